"""`# syntax=docker/dockerfile:1`: the builder that a Dockerfile selects, itself an image to pull; and what the builder of an
older engine cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from devctl.domain.dockerfile.facts import Instruction, Stage, lines_of, with_ends
from devctl.domain.regex import regex

_HEREDOC = regex(r"(?:^|\s)(?P<said>\d*<<-?[\"']?[A-Za-z_][\w.-]*[\"']?)")
# Which engine's builder introduced it (https://docs.docker.com/build/buildkit/dockerfile-release-notes/).
_HEREDOCS, _FLAGS = (23, 0), {"--link": (23, 0), "--keep-git-dir": (24, 0), "--checksum": (25, 0)}
_DIRECTIVE = regex(r"#\s*(?P<key>\w+)\s*=\s*(?P<value>\S+)\s*")


def syntax_line(text: str) -> tuple[int, str] | None:
    """Line and reference. Directives come before everything else, other comments included."""
    for number, line in enumerate(lines_of(text), 1):
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            return None
        if found["key"].lower() == "syntax":
            return number, found["value"]
    return None


def without_syntax_line(text: str) -> str:
    """The same lines with the same numbers, to be read by the engine's own builder."""
    found = syntax_line(text)
    if found is None:
        return text
    lines = with_ends(text)
    # In place of a directive, a comment would end the directives below it.
    rest = [line for number, line in enumerate(lines, 1) if number != found[0]]
    return below_directives("".join(rest), "#\n")


def below_directives(text: str, more: str) -> str:
    """With more lines in the one place where they neither end the directives nor are taken for one."""
    lines = with_ends(text)
    after = next((n for n, line in enumerate(lines) if _DIRECTIVE.fullmatch(line.rstrip("\r\n")) is None), 0)
    return "".join([*lines[:after], more, *lines[after:]])


class Newer(Struct, frozen=True):
    """What an instruction uses that only the builders of this and later engines can read."""

    instruction: Instruction
    said: str
    engine: tuple[int, int]


def newer_lines(stages: Iterable[Stage]) -> Iterator[Newer]:
    for instruction in (i for stage in stages for i in stage.instructions):
        if instruction.cmd not in ("RUN", "COPY", "ADD"):
            continue
        if not instruction.json and (found := _HEREDOC.search(instruction.original)) is not None:
            yield Newer(instruction, f"{instruction.cmd} {found['said']}", _HEREDOCS)
        for flag in instruction.flags:
            if (engine := _FLAGS.get(flag.partition("=")[0])) is not None:
                yield Newer(instruction, f"{instruction.cmd} {flag}", engine)
