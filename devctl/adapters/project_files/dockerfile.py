"""Dockerfiles through BuildKit's own parser (the `dockerfile` library) into facts."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from devctl.adapters.system.beneath import read_bytes
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import PREDEFINED, assignments, expand
from devctl.domain.regex import regex
from devctl.errors import FilesError

_KNOWN = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_NEEDS = {
    "COPY": 2,
    "ADD": 2,
    "RUN": 1,
    "USER": 1,
    "WORKDIR": 1,
    "EXPOSE": 1,
    "VOLUME": 1,
    "SHELL": 1,
    "HEALTHCHECK": 1,
}


def read(path: Path, *, root: Path) -> DockerfileFacts:
    """The Dockerfile at `path`; raises FilesError `broken-dockerfile` with its line."""
    name = posixpath.normpath(str(path.relative_to(root)) if path.is_relative_to(root) else str(path))
    try:
        text = read_bytes(path, within=root).decode(errors="replace")
    except OSError as error:
        raise FilesError(
            f"{name} cannot be read: {error.strerror}",
            code="unreadable-file",
            hint=f"make {name} a regular file inside the project that you may read",
            place=name,
        ) from error
    try:
        return parse(text, path=name)
    except FilesError as error:
        # Code in a container may have chosen which outside file is named, so no word of it is repeated where that code can
        # read.
        if not Path(name).is_absolute() and not name.startswith("../"):
            raise
        raise error.replace(message=f"{name}, which is outside the project, is not a Dockerfile") from None


def parse(text: str, *, path: str = "Dockerfile", args: Mapping[str, str] | None = None) -> DockerfileFacts:
    """`args`: build arguments; they override the defaults of global ARGs."""
    given = args or {}
    instructions = _instructions(text, path)
    for instruction in instructions:
        _check(instruction, path)
    values, lines = dict[str, str](), dict[str, int]()
    bodies: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.cmd == "FROM":
            bodies.append([instruction])
        elif bodies:
            bodies[-1].append(instruction)
        elif instruction.cmd == "ARG":
            names = [word.partition("=")[0] for word in instruction.value]
            said = assignments(instruction, {**PREDEFINED, **values})
            values |= said | {name: given[name] for name in names if name in given}
            lines |= dict.fromkeys(names, instruction.line)
        else:
            raise _broken(path, instruction.line, f"{instruction.cmd} comes before the first FROM")
    if not bodies:
        raise _broken(path, 1, "it has no FROM line")
    known = {**PREDEFINED, **values}
    stages = tuple(_stage(first, index, known, body) for index, (first, *body) in enumerate(bodies))
    return DockerfileFacts(path, stages, values, text, lines)


@lru_cache(maxsize=64)
def _instructions(text: str, path: str) -> tuple[Instruction, ...]:
    """Cached: a command parses the same text ten times, and each time takes 10 ms."""
    return tuple(_instruction(command) for command in _parsed(text, path))


def _parsed(text: str, path: str) -> Sequence[Any]:
    import dockerfile

    text = text.removeprefix("\ufeff")
    try:
        return dockerfile.parse_string(text)  # type: ignore[no-any-return]
    except dockerfile.GoParseError as error:
        lines = text.split("\n")
        broken_at = len(lines)
        # The parser gives no line: the shortest prefix that fails in the same way ends with the culprit.
        while broken_at > 1 and _error(lines[: broken_at - 1]) == str(error):
            broken_at -= 1
        raise _broken(path, broken_at, str(error)) from None


def _error(lines: list[str]) -> str | None:
    import dockerfile

    try:
        dockerfile.parse_string("\n".join(lines))
    except dockerfile.GoParseError as error:
        return str(error)
    return None


# The builder removes quotes from these as a shell does. (ENV, LABEL and ARG are parsed where they are read.)
_WORDS = frozenset({"FROM", "COPY", "ADD", "WORKDIR", "USER", "EXPOSE", "VOLUME", "STOPSIGNAL"})
_ONE_VARIABLE = regex(r"\$\{?(\w+)(?::?-[^}]*)?\}?")
_QUOTED = regex(r"\"([^\"]*)\"|'([^']*)'")


def _instruction(command: Any) -> Instruction:
    cmd = (command.cmd or "").upper()  # None for a line that is only a continuation
    words = tuple(command.value)
    if cmd in _WORDS and not command.json:
        words = tuple(_QUOTED.sub(lambda found: found[1] or found[2] or "", word) for word in words)
    return Instruction(
        cmd=cmd,
        value=words,
        flags=tuple(command.flags),
        json=command.json,
        line=command.start_line,
        original=command.original or "",
    )


def _check(instruction: Instruction, path: str) -> None:
    if instruction.cmd not in _KNOWN:
        raise _broken(
            path, instruction.line, f"unknown instruction `{instruction.cmd or instruction.original}`"
        )
    if len(instruction.value) < _NEEDS.get(instruction.cmd, 0) or instruction.value == ("",):
        raise _broken(path, instruction.line, f"{instruction.cmd} needs arguments")
    words = instruction.value
    if instruction.cmd == "FROM" and not (len(words) == 1 or (len(words) == 3 and words[1].upper() == "AS")):
        raise _broken(path, instruction.line, "FROM must read `FROM image` or `FROM image AS name`")


def _stage(start: Instruction, index: int, values: dict[str, str], body: list[Instruction]) -> Stage:
    words = start.value
    name = words[2] if len(words) == 3 else ""
    whole = _ONE_VARIABLE.fullmatch(words[0])
    arg = whole[1] if whole is not None and whole[1] not in PREDEFINED else ""
    return Stage(name, expand(words[0], values), index, start.line, tuple(body), arg)


def _broken(path: str, line: int, message: str) -> FilesError:
    return FilesError(
        f"{path} is broken: {message}",
        code="broken-dockerfile",
        hint=f"fix line {line} of {path}",
        place=f"{path}:{line}",
    )
