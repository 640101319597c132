"""How the user's Docker files build and start the program: build tags, experiments, and its arguments."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.dockerfile.built_programs import BuiltPrograms, built_programs
from devctl.domain.dockerfile.entrypoint import (
    begun_names,
    begun_words,
    is_other,
    only_develops,
    programs,
    start_words,
    unwrapped,
    words_of,
)
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.go_build_lines import GoBuild, own_build, run_builds
from devctl.domain.dockerfile.prod_stages import asked_stage
from devctl.domain.dockerfile.purpose import for_dev
from devctl.domain.dockerfile.stages import chain, effective, find_stage, is_dev, needed_by
from devctl.domain.dockerfile.walk import given as build_args
from devctl.domain.dockerfile.walk import given_target, in_context, walk
from devctl.domain.go.go_command import flag_of, tags_of
from devctl.domain.paths import is_below


class Started(Struct, frozen=True):
    """`args`: the program's arguments; `command`: what a container of the user's own stage gets for it after its ENTRYPOINT
    (None: nothing, its image knows), `cmd`: what its image has there, `entrypoint`: its replacement; `copied`: what the stage
    copies from the context, by its path in the image; `built`: what the Dockerfile compiles it with. Places by key: `tags`,
    `args`."""

    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    places: dict[str, str] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)
    cmd: tuple[str, ...] = ()
    built: GoBuild | None = None

    def flags(self) -> dict[str, str]:
        """`--port 9999`, `-addr=:80`: the flags with their values, without dashes."""
        found: dict[str, str] = {}
        for word, following in zip(self.args, (*self.args[1:], ""), strict=False):
            name, equals, value = word.lstrip("-").partition("=")
            if word.startswith("-") and name:
                found[name] = value if equals else following
        return found

    def args_in_source(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arguments, with paths of the image turned into those of the context, and which ones those are."""
        args, files = [], []
        for word in self.args:
            flag, equals, path = word.rpartition("=")
            source = self._source(path)
            if source is not None:
                files.append(source)
            args.append(f"{flag}{equals}{source}" if source is not None else word)
        return tuple(args), tuple(files)

    def in_source(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Variables of the image, with its paths turned into those of the context."""
        return {name: self._source(value) or value for name, value in variables.items()}

    def _source(self, path: str) -> str | None:
        return in_context(path, self.copied) if path.startswith("/") else None


NOT_STARTED = Started()


def started(
    facts: DockerfileFacts | None,
    compose: Mapping[str, object],
    *,
    compose_file: str = "compose.yaml",
    called: str = "",
    packages: Collection[str] = (".",),
) -> Started:
    """How a container starts it, and how it is built. `called`: the folder of the main, which a start script may receive;
    `packages`: the words for it in the build context and in its module."""
    if facts is None:
        return NOT_STARTED
    built = _built(facts, compose, packages)
    found = _started(facts, compose, compose_file, called)
    if built is None:
        return found
    tags = tags_of(built.flags)
    places = {"tags": f"{facts.path}:{built.line}"} if tags else {}
    return replace(found, tags=tags, env=_go_variables(built), built=built, places={**places, **found.places})


def _started(
    facts: DockerfileFacts, compose: Mapping[str, object], compose_file: str, called: str
) -> Started:
    """From the stages that are not for development; nothing if a shell or another tool is in between."""
    last = shown_stage(facts, compose)
    entry, given = words_of(compose, "entrypoint"), words_of(compose, "command")
    words = start_words(facts, last) if last is not None else ()
    program = "".join(words[:1])
    copied = _copied(facts, last, build_args(compose))
    told = {"args": compose_file}
    built = built_programs(facts, last, build_args(compose), called) if last is not None else None
    if entry and _is_program(entry[0]):
        own = _behind(built, (*entry, *given), (*entry[1:], *given))
        return Started((), {}, own, given or None, entry, told, copied, given)
    if given and not entry and (args := _given(facts, last, program, given, called, built=built)) is not None:
        return Started((), {}, args, given, None, told, copied, given)
    if (entry or given) and not _develops(facts, compose, (*entry, *given)):
        names = {called, posixpath.basename(program)} - {""}
        parts = programs((*entry, *given))
        own = next((part[1:] for part in parts if posixpath.basename(part[0]) in names), ())
        own = own or next(filter(None, (_behind(built, part, ()) for part in parts)), ())
        return Started((), {}, own, given or None, entry or None, told, copied, given)
    if not words and last is not None:  # a shell is in between, which starts it alone or last
        words = next((part for part in programs(begun_words(facts, last, {})) if not is_other(part[0])), ())
    if built is not None and built.known and last is not None:
        parts = programs(begun_words(facts, last, {}))
        words = next((part[at:] for part in parts if (at := built.at(part)) is not None), ())
    own = _without_unfilled(words[1:], _unfilled(facts, last, copied, compose))
    line = _line(facts, last, "CMD") or _line(facts, last, "ENTRYPOINT")
    places = {"args": f"{facts.path}:{line.line}"} if own and line is not None else {}
    return Started((), {}, own, None, None, places, copied, _cmd(facts, last))


def _behind(
    built: BuiltPrograms | None, words: tuple[str, ...], otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """The arguments among these words: those behind the program; unknown (none) if it is not among them. `otherwise`: if its
    name is unknown."""
    if built is None or not built.known:
        return otherwise
    at = built.at(words)
    return words[at + 1 :] if at is not None else ()


def _develops(facts: DockerfileFacts, compose: Mapping[str, object], words: tuple[str, ...]) -> bool:
    """Whether these words of the compose file are only for development, so that production does not use them."""
    target = find_stage(facts, given_target(compose)) if isinstance(compose.get("build"), Mapping) else None
    if for_dev(facts.path) or (target is not None and is_dev(target)):
        return True
    return only_develops(words)


def command_with(facts: DockerfileFacts, stage: str, args: tuple[str, ...]) -> tuple[str, ...] | None:
    """What a container of the stage gets so that its program receives these arguments instead of those in its own lines; None
    if there are none, or a shell is in between."""
    found = find_stage(facts, stage)
    if not args or found is None:
        return None
    entry, cmd = effective(facts, found, "ENTRYPOINT"), effective(facts, found, "CMD")
    if entry is not None:
        return args if entry.json else None
    return (
        (*cmd.value[: len(cmd.value) - len(unwrapped(cmd.value)) + 1], *args)
        if cmd is not None and cmd.json
        else None
    )


def _is_program(word: str) -> bool:
    """`/app/worker`: a file in the image that is neither a script nor a wrapper."""
    return "/" in word and not is_other(word)


def shown_stage(facts: DockerfileFacts, compose: Mapping[str, object]) -> Stage | None:
    """The stage that says how the service runs in production: the one that the compose file names, else the last one."""
    asked = asked_stage(facts, compose)
    return asked or next((s for s in reversed(facts.stages) if not is_dev(s)), None)


def _cmd(facts: DockerfileFacts, stage: Stage | None) -> tuple[str, ...]:
    """CMD as a container receives it: more words can be appended."""
    found = _line(facts, stage, "CMD")
    return found.value if found is not None and found.json else ()


def _unfilled(
    facts: DockerfileFacts, stage: Stage | None, copied: Mapping[str, str], compose: Mapping[str, object]
) -> tuple[str, ...]:
    """Folders that a VOLUME line leaves to whoever runs the image, if nothing is put there."""
    mounts = compose.get("volumes")
    mounted = (
        [str(m.get("target")) for m in mounts if isinstance(m, dict)] if isinstance(mounts, list) else []
    )
    lines = [i for s in (chain(facts, stage) if stage else ()) for i in s.instructions if i.cmd == "VOLUME"]
    folders = [posixpath.normpath(word) for line in lines for word in line.value]
    filled = (*copied, *mounted)
    return tuple(f for f in folders if not any(is_below(f, path) or is_below(path, f) for path in filled))


def _without_unfilled(args: tuple[str, ...], folders: tuple[str, ...]) -> tuple[str, ...]:
    """`-conf /data/conf` is dropped, since nothing is there: the default of the flag is what is read in the source."""
    kept: list[str] = []
    for word in args:
        if not any(is_below(word.rpartition("=")[2], folder) for folder in folders):
            kept.append(word)
        elif kept and kept[-1].startswith("-") and "=" not in f"{kept[-1]}{word}":
            kept.pop()
    return tuple(kept)


def _copied(facts: DockerfileFacts, stage: Stage | None, args: Mapping[str, str]) -> dict[str, str]:
    """What of the context is in the image, except all of it: a program there may write beside it."""
    brought = [line.brought for line in walk(facts, stage, args)][-1:] if stage is not None else []
    return {at: source for found in brought for at, source in found.items() if source != "."}


def _built(
    facts: DockerfileFacts, compose: Mapping[str, object], packages: Collection[str]
) -> GoBuild | None:
    """Of the lines that build, the program's own: first among those that its image is made from, last in stages for
    development."""
    shown = shown_stage(facts, compose)
    near = needed_by(facts, shown) if shown is not None else ()
    names = begun_names(facts, shown, compose) if shown is not None else ()
    args, others = build_args(compose), [s for s in facts.stages if s not in near]
    for stages in (near, [s for s in others if not is_dev(s)], [s for s in others if is_dev(s)]):
        builds = [build for stage in stages for build in run_builds(facts, stage, args)]
        if (found := own_build(builds, packages, names)) is not None:
            return found
    return None


def _go_variables(built: GoBuild) -> dict[str, str]:
    """Those that apply to a build: set before it, in its line, or given as a flag (`-mod=vendor`)."""
    found = dict(built.variables)
    if (mode := flag_of(built.flags, "mod")) and "-mod" not in found.get("GOFLAGS", ""):
        found["GOFLAGS"] = f"{found.get('GOFLAGS', '')} -mod={mode}".strip()
    return found


def _line(facts: DockerfileFacts, stage: Stage | None, cmd: str) -> Instruction | None:
    return effective(facts, stage, cmd) if stage is not None else None


def _given(
    facts: DockerfileFacts,
    stage: Stage | None,
    program: str,
    given: tuple[str, ...],
    called: str,
    *,
    built: BuiltPrograms | None,
) -> tuple[str, ...] | None:
    """The arguments in a compose file's `command`, None if it starts something else."""
    entry = _line(facts, stage, "ENTRYPOINT")
    if is_other(given[0]) or (entry is not None and not entry.json):
        return None
    if built is not None and built.known:
        said = (*(entry.value if entry is not None else ()), *given)
        if (at := built.at(said)) is not None:
            return said[at + 1 :]
        if entry is None or not any(word.endswith(".sh") for word in entry.value):
            return None
    words = unwrapped((*(entry.value if entry is not None else ()), *given))
    first = posixpath.basename("".join(words[:1]))
    if entry is not None and first.endswith(".sh"):  # its name is found through PATH, or by what it passes on
        return given[1:] if posixpath.basename(given[0]) == called else given
    named = first == called or (program and first == posixpath.basename(program))
    return words[1:] if named or _is_program("".join(words[:1])) else None
