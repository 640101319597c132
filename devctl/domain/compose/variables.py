"""What compose itself only warns of, with the line that it does not name: an obsolete `version:`, variables that are unset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from devctl.errors import Problem

_NAME = re.compile(r"[A-Za-z_]\w*")
_WORD = re.compile(r"(:?)([-+?])")


def obsolete_version(file: str, line: int | None) -> Iterator[Problem]:
    """`line`: of the top-level key `version`, None where there is none."""
    if line is not None:
        yield Problem(
            "compose-version-obsolete",
            "`version:` is obsolete, and compose ignores it",
            "delete that line",
            f"{file}:{line}",
        )


def unset_variables(
    file: str, texts: Iterable[tuple[str, int]], *, known: frozenset[str]
) -> Iterator[Problem]:
    """One for each name that has no value and no default, at its first line. Compose fills in nothing, and goes on."""
    told: set[str] = set()
    for text, line in texts:
        for name in plain_variables(text):
            if name not in known and name not in told and not name.startswith("COMPOSE_"):
                told.add(name)
                yield Problem(
                    "compose-variable-unset",
                    f"the variable {name} is not set: compose substitutes an empty string",
                    f"echo '{name}=…' >> .env, or ${{{name}:-default}} in {file}",
                    f"{file}:{line}",
                )


def plain_variables(text: str) -> Iterator[str]:
    """`$NAME` and `${NAME}`; one with a default or a condition (`${NAME:-x}`) is passed over whole, `$$` is a dollar sign."""
    at = 0
    while (at := text.find("$", at)) >= 0:
        behind = text[at + 1 : at + 2]
        found = _NAME.match(text, at + 2 if behind == "{" else at + 1)
        if behind == "{":
            end = _closing(text, at + 1)
            if found is not None and found.end() == end < len(text):
                yield found[0]
            at = end + 1
        elif found is not None:
            yield found[0]
            at = found.end()
        else:
            at += 2


def substituted(text: str, known: Callable[[str], str | None]) -> str:
    """As compose fills it in: `$NAME`, `${NAME:-word}` and the like, "" for what is not known, `$$` is a dollar sign."""
    parts, at = list[str](), 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        braced = text[dollar + 1 : dollar + 2] == "{"
        found = _NAME.match(text, dollar + 1 + braced)
        end = _closing(text, dollar + 1) if braced else found.end() - 1 if found is not None else dollar + 1
        if found is not None:
            value = known(found[0])
            given = _WORD.match(text, found.end(), end) if braced else None
            if given is not None and (not value if given[1] else value is None) is ("-" in given[2]):
                value = substituted(text[given.end() : end], known) if given[2] in "-+" else value
            parts.append(value or "")
        elif text[dollar + 1 : dollar + 2] != "$":  # no variable
            parts.append(text[dollar : end + 1])
        else:
            parts.append("$")
        at = end + 1
    return "".join([*parts, text[at:]])


def _closing(text: str, start: int) -> int:
    """The brace that closes the one at `start`; the text's end where none does."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)
