"""A dev stage derived from the user's Dockerfile, or why there is none: their build stage up to the compile line, the modules,
the reloader, and then what their final stage sets."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct, field

from devctl.domain.command.argv import SHELLS
from devctl.domain.derive.build_stage import BuildStage, build_stage, dev_flags
from devctl.domain.derive.final_stage import PLAIN, FinalStage, final_stage
from devctl.domain.derive.original import Original
from devctl.domain.dockerfile.build_and_start import shown_stage
from devctl.domain.dockerfile.entrypoint import begun_names, begun_words, only_develops, programs
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage, lines_of
from devctl.domain.dockerfile.stages import effective, external_base, golang_tag, named_stage
from devctl.domain.dockerfile.walk import given, walk
from devctl.domain.go.versions import refuses
from devctl.domain.paths import is_below
from devctl.domain.regex import regex

STAGE = "devctl-dev"
START = "/devctl/start"
"""What a container starts first, if files of the source are copied into the image."""
SOURCE = "/devctl/source"
"""Where the project is mounted: no user's Dockerfile has anything there."""
# Specific to this machine, or to a cache that only the production build has.
_NOT_CARRIED = frozenset({"GOOS", "GOARCH", "GOARM", "GOCACHE", "GOMODCACHE", "GOBIN", "GOTMPDIR", "GOPATH"})

# Commands with which an entry script continues as another user. They may be installed, or copied from an image of that name.
_CHANGES_USER = regex(r"\b(?:su-exec|gosu)\b")
_GIVES = regex(r"\bchown\b|\badduser\b|\buseradd\b|\binstall\b[^\n]*\s-o")
_FOR_WHOEVER_DEVELOPS = "RUN find / -xdev ! -user 0 ! -type l -exec chmod a+rwX {} +"
"""If the image gives a folder to its own user, the program writes to it; in a dev container it runs as another user."""
_NOTES_COPIES = "RUN --mount=type=bind,from=devctl-copied,target=/devctl/copied /devctl/copies"
_NAME = regex(r"[A-Za-z_]\w*")
_WHERE_OURS_LIES = regex(r"(?<![^\s\"'=])/app(?![^/\s\"'])")
"""Not `./app/` or `./apps/api/`: folders of the user."""

_HOME = 'export HOME=/dev/shm && ln -sf /run/secrets/netrc "$HOME/.netrc" && '
_HOME_OF_NETRC = f"if [ -e /run/secrets/netrc ]; then {_HOME.removesuffix(' && ')}; fi && "
"""What the build stage has in its HOME (git settings, a token) is for fetching modules."""


class DerivedStage(Struct, frozen=True):
    """`program`: where the service's own program is in production; `folder`: where it is started, "" in the source. `flags`
    and `environment`: of the line that compiles it. `of_build`: variables that only the build has, with their values."""

    build: BuildStage
    final: FinalStage
    start: tuple[str, ...]
    program: str
    folder: str = ""
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    of_build: Mapping[str, str] = field(default_factory=dict)


def derived_stage(
    facts: DockerfileFacts,
    compose: Mapping[str, object],
    *,
    package: str,
    module: str,
    started_in: str,
    go: str = "",
    context: str = ".",
    mains: tuple[str, ...] = (),
    is_folder: Callable[[str], bool] = lambda _: False,
) -> DerivedStage | None:
    """`package`: the folder of the service's main, `mains`: those of all mains of its module, `started_in`: the source folder
    that it would be started in, all relative to the build context, the last one to the project; `module`: the path of its
    module, `go`: the version it requires; `is_folder`: of a path in the context.

    None if every stage is for development, no stage compiles Go or its Go is too old, a stage has the name of one of devctl's
    own, the path of the context is not a plain word, or it is unknown which program a container starts.
    """
    shown = shown_stage(facts, compose)
    named_as_ours = any(stage.name.lower().startswith("devctl-") for stage in facts.stages)
    if shown is None or named_as_ours or not PLAIN.fullmatch(context):
        return None
    original = Original(facts, tuple(lines_of(facts.text.removeprefix("\ufeff"))))
    build = build_stage(
        original,
        shown,
        given(compose),
        package=package,
        module=module,
        mains=mains,
        started=begun_names(facts, shown, compose),
    )
    if build is None or refuses(golang_tag(external_base(facts, build.stage)) or "", go):
        return None
    said = begun_words(facts, shown, compose)
    build = build.with_a_tools_build(shown, said)
    final = final_stage(build, shown)
    program = _program(final, package, said)
    if program is None:
        return None
    own = build.own_build
    set_there = {**own.variables, **own.env} if own is not None else {}
    environment = {k: v for k, v in set_there.items() if k not in _NOT_CARRIED}
    mounts = _mounts(compose, context)
    return DerivedStage(
        build,
        final,
        tuple(_started(original, shown, refreshed=bool(final.alone))),
        program,
        _started_elsewhere(final, compose, mounts)
        or (final.folder if _has_its_files(final, mounts, started_in, is_folder) else ""),
        dev_flags(own) if own is not None else (),
        environment,
        _of_build(build, shown, compose, environment),
    )


def _of_build(
    build: BuildStage, final: Stage, compose: Mapping[str, object], environment: Mapping[str, str]
) -> dict[str, str]:
    """What the build stage sets, and neither the image nor the compose file: in production the program does not have it."""
    set_there, facts = dict(environment), build.original.facts
    for line in walk(facts, build.stage, build.args):
        if line.cmd == "ENV":
            set_there |= line.set
    said = compose.get("environment")
    kept = {name for line in walk(facts, final, build.args) if line.cmd == "ENV" for name in line.set}
    kept |= set(said) if isinstance(said, Mapping) else set()
    return {k: v for k, v in set_there.items() if k not in kept and _NAME.fullmatch(k) and v.isprintable()}


def in_source(path: str) -> str:
    """Where a folder of the project is in a dev container."""
    return posixpath.normpath(posixpath.join(SOURCE, path))


def _program(final: FinalStage, package: str, said: tuple[str, ...]) -> str | None:
    """Of the paths of the service's program, the one that a container starts; one that a wrapper may start is accepted: the
    container starts it as the image does."""
    places = [path for path, built in final.programs.items() if built == package]
    words = {*re.split(r"[\s/;&|\"'=]+", " ".join(said)), *map(posixpath.basename, said)}
    named = next((path for path in places if posixpath.basename(path) in words), None)
    if named is not None or not places or not said:
        return named
    first, *more = next(iter(programs(said)), ("",))
    if posixpath.basename(first) in SHELLS:  # `sh /entrypoint.sh` starts that script
        return places[0] if any(word[:1] not in "-+" for word in more) else None
    return places[0] if first and not only_develops(said) else None


def _mounts(compose: Mapping[str, object], context: str) -> tuple[str, ...]:
    """Where the compose file mounts something, except for the project itself, which is at one place in a dev container."""
    build = compose.get("build")
    at = str(build.get("context") or "") if isinstance(build, Mapping) else ""
    root = posixpath.normpath(posixpath.join(at, posixpath.relpath(".", context))) if at else ""
    found = [m for key in ("volumes", "configs", "secrets") for m in _listed(compose, key)]
    return tuple(
        posixpath.normpath(str(m["target"]))
        for m in found
        if m.get("target") and not (m.get("type") == "bind" and (not root or m.get("source") == root))
    )


def _started_elsewhere(final: FinalStage, compose: Mapping[str, object], mounts: tuple[str, ...]) -> str:
    """The `working_dir` of the compose file, if it is neither the image's nor in the project's own mount."""
    folder = posixpath.normpath(posixpath.join(final.folder, str(compose.get("working_dir") or "")))
    bound = [
        posixpath.normpath(str(v.get("target")))
        for v in _listed(compose, "volumes")
        if v.get("type") == "bind"
    ]
    mounted = any(is_below(folder, target) for target in bound if target not in mounts)
    return "" if mounted or folder in (final.folder, "/") or not folder.isprintable() else folder


def _has_its_files(
    final: FinalStage, mounts: tuple[str, ...], started_in: str, is_folder: Callable[[str], bool]
) -> bool:
    """Whether the program finds files by relative paths where it is started in production: those of the image, or of a mount.
    In `/`, where only root can create files, it is started if it would find others in the source."""
    for copied in final.copies:
        for source in copied.sources:
            here, name = posixpath.relpath(source, started_in), posixpath.basename(source)
            lies = posixpath.relpath(copied.target, final.folder)
            if any(c in name for c in "*?["):
                here = posixpath.dirname(here) or "."
            # The content of a folder is copied, a file by its name.
            elif copied.target.endswith("/") and not is_folder(source):
                lies = posixpath.normpath(posixpath.join(lies, name))
            if (here != lies or final.folder != "/") and _is_relative(lies, final.folder):
                return True
    return final.folder != "/" and any(is_below(target, final.folder) for target in mounts)


def _is_relative(path: str, folder: str) -> bool:
    """Whether a program that is started in `folder` is likely to open it by this path: from `/`, above everything, only what
    is directly in it."""
    return "/" not in path if folder == "/" else not path.startswith("..")


def _listed(compose: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = compose.get(key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _started(original: Original, final: Stage, *, refreshed: bool) -> Iterator[str]:
    """Its ENTRYPOINT and CMD, unchanged; `refreshed`: behind a script that brings its files up to date."""
    facts = original.facts
    entry, command = (effective(facts, final, key) for key in ("ENTRYPOINT", "CMD"))
    if refreshed and entry is not None and not entry.json:
        shell = effective(facts, final, "SHELL")
        words = [START, *(shell.value if shell is not None else ("/bin/sh", "-c"))]
        yield f"SHELL {json.dumps(words, ensure_ascii=False)}"
    elif refreshed and (entry is None or not entry.value):
        entry = None
        yield f'ENTRYPOINT ["{START}"]'
    for instruction in filter(None, (entry, command)):
        stage = next(s for s in facts.stages if instruction in s.instructions)
        text = original.instruction(stage, instruction)
        first = refreshed and instruction is entry and instruction.json
        yield text.replace("[", f'["{START}", ', 1) if first else text


def dev_dockerfile(
    derived: DerivedStage,
    *,
    air: str,
    std: str,
    modules: str,
    scripts: Mapping[str, str],
    context: str,
    writable: Iterable[str] = (),
) -> str:
    """`air`, `std` and `modules`: the stages of devctl's own Dockerfile that build the reloader, compile the standard library
    and fetch the modules; `scripts`: what replaces programs and files, by name. `context`: the build context, relative to the
    project; `writable`: folders that the project's owner can write to."""
    base, environment = named_stage(derived.build.stage), dict(sorted(derived.environment.items()))
    own = environment.pop("GOFLAGS", "")
    first = _escaped(own, derived.build.original.escape) if own and own.isprintable() else "${GOFLAGS}"
    flags = " ".join((first, "-modcacherw", *derived.flags))
    folders = [*writable, *([derived.folder] if derived.folder else [])]
    said = "\n".join(derived.final.lines)
    original = derived.build.original
    changes_user = _CHANGES_USER.search("\n".join(derived.final.lines)) is not None
    unused = {
        *(() if derived.final.alone else ("copies", "refresh", "start")),
        *(() if derived.of_build else ("unset",)),
        *(() if changes_user else ("stay",)),
        *(() if derived.final.user else ("note-home",)),
    }
    air, std, modules = (text.replace("\\\n", f"{original.escape}\n") for text in (air, std, modules))
    final = [
        f"FROM {base} AS devctl-final",
        "USER 0",
        "COPY --from=devctl-air /dev-root/ /",
        f"ENV DEVCTL_SOURCE={SOURCE} DEVCTL_CONTEXT={in_source(context)}",
        f'ENV HOME=/tmp GOPATH=/go GOOS= GOARCH= GOFLAGS="{flags}"',
        *(
            f"ENV {name}={_quoted(value, original.escape)}"
            for name, value in environment.items()
            if value.isprintable()
        ),
        *(_script(name, text) for name, text in scripts.items() if name not in unused),
        "WORKDIR /",
        *derived.final.lines,
        *(_script(name, text) for name, text in _noted(derived).items()),
        *([_NOTES_COPIES] if derived.final.alone else []),
        *([_FOR_WHOEVER_DEVELOPS] if _GIVES.search(said) else []),
        *(["RUN /devctl/stay su-exec gosu chown"] if changes_user else []),
        *([f"RUN /devctl/note-home {derived.final.user}"] if derived.final.user else []),
        *(
            f"RUN mkdir -p {folder} && chmod 1777 {folder}"
            for folder in map(shlex.quote, folders)
            if folder != "/"
        ),
    ]
    stage = [
        f"FROM devctl-deps AS {STAGE}",
        "ENV GOCACHE=/cache/go-build",
        f"WORKDIR {derived.final.folder}",
        *derived.start,
    ]
    keys = "".join(f" {key}" for key in derived.build.keys if "id=netrc" not in key)
    fetched = (
        modules.replace("RUN --mount", f"RUN{keys} --mount")
        .replace(_HOME, _HOME_OF_NETRC)
        .replace("FROM base AS deps\n", "FROM devctl-final AS devctl-deps\nWORKDIR /devctl/deps\n")
    )
    parts = [
        derived.build.head(derived.final.also, arguments=("ARG AIR_GO_IMAGE",)),
        std.replace("${GO_IMAGE} AS std\n", "${AIR_GO_IMAGE} AS devctl-std\n").replace("ARG CGO", "ENV CGO"),
        air.replace(" AS air\n", " AS devctl-air\n").replace("from=std,", "from=devctl-std,"),
        "\n".join(("FROM scratch AS devctl-copied", *derived.final.alone) if derived.final.alone else ()),
        "\n".join(final),
        # their Dockerfile may have an argument of that name
        _WHERE_OURS_LIES.sub("/devctl/deps", fetched).replace("MODULE_DIR", "DEVCTL_MODULE_DIR"),
        "\n".join(stage),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _noted(derived: DerivedStage) -> dict[str, str]:
    """Lists that the scripts read. `sources`: where in the image (below which folder, if it ends with `/`) is what of the build
    context, and whether by its whole path (`p`), or without what is new (`k`)."""
    sources = [
        "\t".join((each.target, source, "p" * each.parents + "k" * each.known))
        for each in derived.final.copies
        for source in each.sources
        if "$" not in source + each.target and (source + each.target).isprintable()
    ]
    names = [f"{name}={value}" for name, value in sorted(derived.of_build.items())]
    lists = {"sources": sources if derived.final.alone else [], "of-build": names}
    return {name: "\n".join(lines) for name, lines in lists.items() if lines}


def _script(name: str, text: str) -> str:
    lines = " ".join(shlex.quote(line) for line in text.splitlines())
    return f"RUN mkdir -p /devctl && printf '%s\\n' {lines} >/devctl/{name} && chmod 0755 /devctl/{name}"


def _quoted(value: str, escape: str) -> str:
    return f'"{_escaped(value, escape)}"'


def _escaped(value: str, escape: str) -> str:
    return re.sub(rf"[{re.escape(escape)}\"$]", lambda found: escape + found[0], value)
