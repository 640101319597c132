"""How the user's Docker files build and start the program: build tags, experiments, and its arguments."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from msgspec import Struct, field

from devctl.domain.dockerfile.entrypoint import develops, is_other, programs, start_words, unwrapped, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.go_build_lines import go_commands, told_commands
from devctl.domain.dockerfile.prod_stages import asked_stage
from devctl.domain.dockerfile.purpose import for_dev
from devctl.domain.dockerfile.stages import chain, effective, find_stage, is_dev
from devctl.domain.dockerfile.walk import Line, given_target, in_context, walk
from devctl.domain.dockerfile.walk import given as build_args
from devctl.domain.go.go_command import GoCommand, flag_of, tags_of
from devctl.domain.paths import is_below
from devctl.domain.regex import regex

GO_VARIABLES = ("GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFLAGS", "GOWORK")
"""What decides how Go builds, wherever it is set; where modules come from concerns only the deps layer."""
_IN_LINE = regex(rf"(?<![-\w])({'|'.join(GO_VARIABLES)})=(?:[\"']([^\"']*)[\"']|([^\s;&|\"']+))")


class Started(Struct, frozen=True):
    """`args`: the program's arguments; `command`: what a container of the user's own stage gets for it after its ENTRYPOINT
    (None: nothing, its image knows), `cmd`: what its image has there, `entrypoint`: its replacement; `copied`: what the stage
    copies from the context, by its path in the image. Places by key: `tags`, `args`."""

    tags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    places: dict[str, str] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)
    cmd: tuple[str, ...] = ()

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
) -> Started:
    """From the stages that are not for development; nothing if a shell or another tool is in between. `called`: the folder of
    the main, which a start script may receive."""
    if facts is None:
        return NOT_STARTED
    tags, env, places = _built(facts, build_args(compose))
    last = shown_stage(facts, compose)
    entry, given = words_of(compose, "entrypoint"), words_of(compose, "command")
    words = start_words(facts, last) if last is not None else ()
    program = "".join(words[:1])
    copied = _copied(facts, last, build_args(compose))
    told = {**places, "args": compose_file}
    if entry and _is_program(entry[0]):
        return Started(tags, env, (*entry[1:], *given), given or None, entry, told, copied, given)
    if given and not entry and (args := _given(facts, last, program, given, called)) is not None:
        return Started(tags, env, args, given, None, told, copied, given)
    if (entry or given) and not _develops(facts, compose, (*entry, *given)):
        stays = next(iter(programs((*entry, *given))), ("",))
        named = posixpath.basename(stays[0]) in (called, posixpath.basename(program))
        return Started(
            tags, env, stays[1:] if named else (), given or None, entry or None, told, copied, given
        )
    own = _without_unfilled(words[1:], _unfilled(facts, last, copied, compose))
    line = _line(facts, last, "CMD") or _line(facts, last, "ENTRYPOINT")
    if own and line is not None:
        places["args"] = f"{facts.path}:{line.line}"
    return Started(tags, env, own, None, None, places, copied, _cmd(facts, last))


def _develops(facts: DockerfileFacts, compose: Mapping[str, object], words: tuple[str, ...]) -> bool:
    """Whether these words of the compose file are only for development, so that production does not use them."""
    target = find_stage(facts, given_target(compose)) if isinstance(compose.get("build"), Mapping) else None
    if for_dev(facts.path) or (target is not None and is_dev(target)):
        return True
    return any(develops(part[0]) for part in programs(words))


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
    facts: DockerfileFacts, args: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str], dict[str, str]]:
    """Tags and Go's variables of the first line that builds, and its place."""
    for stage in sorted(facts.stages, key=is_dev):
        for line in walk(facts, stage, args):
            said = (
                (*told_commands(line), *go_commands(line))
                if line.cmd == "RUN" and line.stage is stage
                else ()
            )
            for command in (c for c in said if c.verb == "build"):
                place, tags = f"{facts.path}:{line.instruction.line}", tags_of(command.flags)
                return tags, _go_variables(line, command), {"tags": place} if tags else {}
    return (), {}, {}


def _go_variables(line: Line, command: GoCommand) -> dict[str, str]:
    """Those that apply to a build: set before it, in its line, or given as a flag (`-mod=vendor`)."""
    text = line.filled(line.instruction.runs or line.instruction.command)
    found = {name: line.values[name] for name in GO_VARIABLES if line.values.get(name)}
    found |= {name: quoted or plain for name, quoted, plain in _IN_LINE.findall(text)}
    if (mode := flag_of(command.flags, "mod")) and "-mod" not in found.get("GOFLAGS", ""):
        found["GOFLAGS"] = f"{found.get('GOFLAGS', '')} -mod={mode}".strip()
    return found


def _line(facts: DockerfileFacts, stage: Stage | None, cmd: str) -> Instruction | None:
    return effective(facts, stage, cmd) if stage is not None else None


def _given(
    facts: DockerfileFacts, stage: Stage | None, program: str, given: tuple[str, ...], called: str
) -> tuple[str, ...] | None:
    """The arguments in a compose file's `command`, None if it starts something else."""
    entry = _line(facts, stage, "ENTRYPOINT")
    if is_other(given[0]) or (entry is not None and not entry.json):
        return None
    words = unwrapped((*(entry.value if entry is not None else ()), *given))
    first = posixpath.basename("".join(words[:1]))
    if entry is not None and first.endswith(".sh"):  # its name is found through PATH, or by what it passes on
        return given[1:] if posixpath.basename(given[0]) == called else given
    named = first == called or (program and first == posixpath.basename(program))
    return words[1:] if named or _is_program("".join(words[:1])) else None
