"""`# syntax=docker/dockerfile:1`: the builder that a Dockerfile wants to be read by, itself an image to pull."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"#\s*(?P<key>\w+)\s*=\s*(?P<value>\S+)\s*")


def syntax_line(text: str) -> tuple[int, str] | None:
    """Line and reference. Directives stand above everything else, other comments included."""
    for number, line in enumerate(text.splitlines(), 1):
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            return None
        if found["key"].lower() == "syntax":
            return number, found["value"]
    return None


def without_syntax_line(text: str) -> str:
    """The same lines under the same numbers, to be read by the builder of the engine."""
    found = syntax_line(text)
    if found is None:
        return text
    lines = text.splitlines(keepends=True)
    # In the place of a directive a comment would end the directives below it.
    rest = [line for number, line in enumerate(lines, 1) if number != found[0]]
    after = next((n for n, line in enumerate(rest) if _DIRECTIVE.fullmatch(line.rstrip("\r\n")) is None), 0)
    return "".join([*rest[:after], "#\n", *rest[after:]])
