"""Which `package main` of a repository is the service, and what a main package is built from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from msgspec import Struct

from devctl.domain.command.argv import shell_path
from devctl.domain.dockerfile.build_and_start import shown_stage
from devctl.domain.dockerfile.entrypoint import begun_names, begun_words, programs
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.go_build_lines import go_builds
from devctl.domain.dockerfile.stages import is_dev, needed_by
from devctl.domain.dockerfile.walk import given
from devctl.domain.go.facts import GoPackage, Module, SourceFacts
from devctl.domain.go.prefilter import reachable
from devctl.domain.paths import is_below
from devctl.domain.regex import regex
from devctl.errors import FilesError, UsageError

# Folders whose mains are helpers for developers, unless there is no other main.
_ASIDE = frozenset(
    """example examples tools tool scripts script hack test tests e2e internal docs build migrate migrations migration seed gen
    generate benchmark bench demo contrib ci""".split()
)


_WILD = regex(r"[^/]*[*?\[]")
_MAJOR = regex(r"v\d+")
_LISTED = 8  # of equally good mains; more are no help


def word_of(module: str) -> str:
    """The short name of a module: the last element of its path that is not a major version."""
    words = [word for word in module.split("/") if not _MAJOR.fullmatch(word)]
    return words[-1].lower() if words else ""


class Main(Struct, frozen=True):
    """`package` in `module`; `closure`: it and the packages of the repository that it is built from, itself first."""

    module: Module
    package: GoPackage
    closure: tuple[GoPackage, ...]

    @property
    def relative(self) -> str:
        """The package as `go build` takes it in the module's folder: `.`, `./cmd/api`."""
        below = posixpath.relpath(self.package.dir, self.module.dir)
        return "." if below == "." else f"./{below}"

    @property
    def serves(self) -> bool:
        return any(package.listens for package in self.closure)

    @property
    def embeds(self) -> tuple[str, ...]:
        """Files and folders that are compiled in, relative to the project, as far as their names are fixed."""
        named = ((p.dir, pattern.removeprefix("all:")) for p in self.closure for pattern in p.embeds)
        paths = (posixpath.join(folder, _WILD.split(pattern)[0]) for folder, pattern in named)
        return tuple(dict.fromkeys(posixpath.normpath(path) for path in paths))

    @property
    def place(self) -> str:
        """Where it is seen to serve, or its folder."""
        return next((p.listens[0].place for p in self.closure if p.listens), self.package.dir)


def mains(facts: SourceFacts) -> tuple[Main, ...]:
    """All mains of the modules of a repository, helpers last."""
    packages: dict[str, GoPackage] = {}
    owner: dict[str, Module] = {}
    for module in facts.modules:
        for package in module.packages:
            below = posixpath.relpath(package.dir, module.dir)
            name = module.path if below == "." else f"{module.path}/{below}"
            packages[name], owner[name] = package, module
    imports = {name: package.imports for name, package in packages.items()}
    found = []
    for name, package in packages.items():
        if package.name == "main" and package.has_main:
            built = reachable([name], imports)
            others = tuple(packages[other] for other in sorted(built - {name}))
            found.append(Main(owner[name], package, (package, *others)))
    return tuple(sorted(found, key=lambda m: (_aside(m), m.package.dir != ".", m.package.dir)))


def _aside(main: Main) -> bool:
    return bool(_ASIDE & set(main.package.dir.split("/")))


class Chosen(Struct, frozen=True):
    main: Main
    origin: str


def choose_main(
    facts: SourceFacts,
    *,
    name: str | None = None,
    context: str = ".",
    wanted_dir: str | None = None,
    wanted_main: str | None = None,
    dockerfile: DockerfileFacts | None = None,
    compose: Mapping[str, object] | None = None,
    ran: tuple[str, str] | None = None,
    reloaded: tuple[str, str] | None = None,
) -> Chosen:
    """The main of a service: the one that devctl.yaml names, that a container compiles when it starts (`ran`: its folder, and
    the evidence), that the Dockerfile builds, that air builds (`reloaded`: likewise), or that the code makes obvious.

    `name`, `context` and `compose` (its part of the model) are the compose service's. Raises FilesError `no-go-module` or
    `no-main`, or UsageError `which-main` if several are equally good.
    """
    if not facts.modules:
        raise _no_module(facts)
    found = [m for m in mains(facts) if is_below(m.package.dir, context)] or list(mains(facts))
    if wanted_dir is not None:
        found = [m for m in found if m.module.dir == posixpath.normpath(wanted_dir)]
    if wanted_main is not None:
        return _named(found, wanted_dir, wanted_main)
    if ran is not None and (main := next((m for m in found if m.package.dir == ran[0]), None)) is not None:
        return Chosen(main, ran[1])
    if not found:
        raise FilesError(
            "this is a library: there is no `package main` with a `func main`, so there is nothing to run",
            code="no-main",
            hint="test a library with go test ./...; to run a program, add cmd/NAME/main.go",
            place="go.mod" if facts.modules[0].dir == "." else f"{facts.modules[0].dir}/go.mod",
        )
    by_air = next((Chosen(m, reloaded[1]) for m in found if reloaded and m.package.dir == reloaded[0]), None)
    if dockerfile is None:
        return by_air or _by_code(found, name)
    # In `go build -o /out/ . ./cmd/...` one word names a package, and the others are built as well.
    together = (
        _by_start(found, dockerfile, compose or {}) if _builds_a_pattern(dockerfile, compose or {}) else None
    )
    return (
        together
        or _by_dockerfile(found, dockerfile, context, compose or {}, name)
        or _by_start(found, dockerfile, compose or {})
        or by_air
        or _by_place(found, dockerfile)
        or _by_code(found, name)
    )


def _named(found: list[Main], wanted_dir: str | None, wanted: str) -> Chosen:
    plain = posixpath.normpath(wanted)
    fitting = [m for m in found if posixpath.normpath(m.relative) == plain]
    fitting = fitting or [m for m in found if m.package.dir == plain]
    if fitting:
        return Chosen(fitting[0], "devctl.yaml")
    there = ", ".join(m.relative for m in found) or "none"
    raise FilesError(
        f"devctl.yaml names main `{wanted}`, but there is no such `package main`{f' in {wanted_dir}' if wanted_dir else ''}",
        code="no-main",
        hint=f"devctl.yaml: `main:` one of: {there}",
        place="devctl.yaml",
    )


def _by_dockerfile(
    found: list[Main], facts: DockerfileFacts, context: str, compose: Mapping[str, object], name: str | None
) -> Chosen | None:
    """What is built for the stage that runs. If that is more than one: the one that it starts, that is named like the service,
    or that listens."""
    shown = shown_stage(facts, compose)
    near = needed_by(facts, shown) if shown is not None else ()
    started = begun_names(facts, shown, compose) if shown is not None else ()
    for stage in sorted(facts.stages, key=lambda s: (is_dev(s), s not in near)):
        built = [
            (
                _place(b.binary, started),
                posixpath.basename(main.package.dir) == name,
                main.serves,
                b.line,
                main,
            )
            for b in go_builds(facts, stage, given(compose))
            for main in _meant(found, b.packages, context)
        ]
        if built:
            *_, line, main = max(built, key=lambda item: item[:3])
            return Chosen(main, f"{facts.path}:{line}")
    return None


def _builds_a_pattern(facts: DockerfileFacts, compose: Mapping[str, object]) -> bool:
    builds = (b for stage in facts.stages for b in go_builds(facts, stage, given(compose)))
    return any(word.endswith("...") for build in builds for word in build.packages)


def _place(binary: str, started: tuple[str, ...]) -> int:
    """The earlier a word of the start command names it, the higher."""
    return -started.index(binary) if binary in started else -len(started)


def _meant(found: list[Main], words: Iterable[str], context: str) -> list[Main]:
    """The mains of the first word that names one."""
    named = ([m for m in found if _is_package(m, word, context)] for word in words)
    return next((mains for mains in named if mains), [])


def _is_package(main: Main, word: str, context: str) -> bool:
    """`word`: relative to the build context, or to the module."""
    return main.package.dir in (
        posixpath.normpath(posixpath.join(folder, word)) for folder in (context, main.module.dir)
    )


def _by_start(found: list[Main], facts: DockerfileFacts, compose: Mapping[str, object]) -> Chosen | None:
    """Of several that are built by a Makefile or together (`./cmd/...`), the one named like the program that is started. A
    developers' helper is meant if it is the program itself: `command: [migrate, up]`."""
    shown = shown_stage(facts, compose)
    if shown is None or len(found) < 2:
        return None
    words = begun_words(facts, shown, compose)
    started = [posixpath.basename(part[0]) for part in programs(words)]
    for name in (*started, *begun_names(facts, shown, compose)):
        called = [m for m in found if posixpath.basename(m.package.dir) == name]
        called = [m for m in called if name in started or not _aside(m)]
        if len(called) == 1:
            return Chosen(
                called[0],
                f"{called[0].package.dir} has the name of the program that a container starts: {name}",
            )
    return None


def _by_place(found: list[Main], facts: DockerfileFacts) -> Chosen | None:
    """`services/user/Dockerfile` is beside the main, `Dockerfile.worker` and `docker/worker/Dockerfile` are named like it."""
    folder, file = posixpath.split(facts.path)
    below = [m for m in found if folder and is_below(m.package.dir, folder)]
    words = {posixpath.basename(folder), *file.lower().split(".")}
    called = [m for m in found if posixpath.basename(m.package.dir).lower() in words]
    one = next((mains[0] for mains in (below, called) if len(mains) == 1 and len(found) > 1), None)
    return Chosen(one, f"{facts.path} is in its folder, or has its name") if one is not None else None


def _by_code(found: list[Main], name: str | None) -> Chosen:
    plain = [m for m in found if not _aside(m)] or found
    if len(plain) == 1:
        return Chosen(plain[0], f"the only main package: {plain[0].place}")
    called = [m for m in plain if name is not None and posixpath.basename(m.package.dir) == name]
    if len(called) == 1:
        return Chosen(called[0], f"{called[0].package.dir} has the name of the service")
    serving = [m for m in plain if m.serves]
    roots = [m for m in plain if m.package.dir == m.module.dir]
    root = roots[0] if len(roots) == 1 or (roots and roots[0].package.dir == ".") else None
    if root is not None and (root.serves or len(serving) != 1):
        return Chosen(root, f"the main package beside go.mod: {root.place}")
    if len(serving) == 1:
        return Chosen(serving[0], f"the only main package that listens: {serving[0].place}")
    called = [
        m for m in serving or plain if posixpath.basename(m.package.dir).lower() == word_of(m.module.path)
    ]
    if len(called) == 1:
        return Chosen(called[0], f"{called[0].package.dir} has the name of the module")
    raise _which(serving or plain, name or "app")


def _which(found: list[Main], name: str) -> UsageError:
    listed = [f"{m.package.dir} ({m.place})" if m.serves else m.package.dir for m in found[:_LISTED]]
    if len(found) > _LISTED:
        listed.append(f"and {len(found) - _LISTED} more")
    there = "; ".join(listed)
    first = found[0]
    folder = "" if first.module.dir == "." else f"dir: {first.module.dir}, "
    alone = (
        f"; or devctl -C {shell_path(first.module.dir)} up" if len({m.module.dir for m in found}) > 1 else ""
    )
    return UsageError(
        f"{len(found)} main packages fit service `{name}`: {there}",
        code="which-main",
        hint=f"devctl.yaml: `services: {{{name}: {{{folder}main: {first.relative}}}}}`{alone}",
        place=first.package.dir,
    )


def _no_module(facts: SourceFacts) -> FilesError:
    if facts.loose_go is not None:
        return FilesError(
            f"there is Go code ({facts.loose_go}) but no go.mod, as in a repository from the GOPATH era",
            code="no-go-module",
            hint=f"go mod init {facts.loose_name or 'example.com/NAME'} && go mod tidy",
            place=facts.loose_go,
        )
    return FilesError(
        "there is no Go module here (no go.mod in this folder or below)",
        code="no-go-module",
        hint="devctl new DIR creates a service to start from; for your own code: go mod init example.com/NAME",
    )
