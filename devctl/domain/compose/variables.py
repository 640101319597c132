"""What compose itself only warns about, with the line that it does not give: an obsolete `version:` and unset variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from devctl.domain.regex import regex
from devctl.errors import Problem

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = regex(r"(:?)([-+?])")
_BRACE = regex(r"[{}]")


def obsolete_version(file: str, line: int | None) -> Iterator[Problem]:
    """`line`: of the top-level key `version`, None if there is none."""
    if line is not None:
        yield Problem(
            "compose-version-obsolete",
            "`version:` is obsolete; compose ignores it",
            "delete that line",
            f"{file}:{line}",
        )


def unset_variables(
    file: str, texts: Iterable[tuple[str, int]], *, known: frozenset[str]
) -> Iterator[Problem]:
    """One for each name that has no value and no default, at its first line. Compose substitutes an empty string and
    continues."""
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
    """`$NAME` and `${NAME}`; one with a default or a condition (`${NAME:-x}`) is skipped entirely, `$$` is a dollar sign."""
    at, closing = 0, _closing(text)
    while (at := text.find("$", at)) >= 0:
        behind = text[at + 1 : at + 2]
        found = _NAME.match(text, at + 2 if behind == "{" else at + 1)
        if behind == "{":
            end = closing.get(at + 1, len(text))
            if found is not None and found.end() == end < len(text):
                yield found[0]
            at = end + 1
        elif found is not None:
            yield found[0]
            at = found.end()
        else:
            at += 2


def substituted(text: str, known: Callable[[str], str | None], *, more: int) -> str | None:
    """As compose substitutes it: `$NAME`, `${NAME:-word}` and the like, "" for an unknown name, `$$` is a dollar sign. None if
    that adds more than `more` characters: each line of a file may double the one before."""
    parts, left, closing = list[str](), len(text) + more, _closing(text)
    at, end = 0, len(text)
    around: list[tuple[int, int]] = []  # for nested words: where to continue, and up to where
    while at < end or around:
        dollar = text.find("$", at, end)
        parts.append(text[at : dollar if dollar >= 0 else end])
        left -= len(parts[-1])
        if dollar < 0:
            at, end = around.pop() if around else (end, end)
            continue
        behind = text[dollar + 1 : min(dollar + 2, end)]
        name = _NAME.match(text, dollar + 1 + (behind == "{"), end)
        plain = name.end() - 1 if name is not None else dollar + 1
        last = min(closing.get(dollar + 1, end), end) if behind == "{" else plain
        at, said = min(last + 1, end), ""
        if name is not None:
            value = known(name[0])
            given = _WORD.match(text, name.end(), last) if behind == "{" else None
            word = given[2] if given is not None and given[2] in "-+" else ""
            if given is not None and word and (not value if given[1] else value is None) is (word == "-"):
                around.append((at, end))
                at, end, value = given.end(), last, ""
            said = value or ""
        else:
            said = "$" if behind == "$" else text[dollar:at]
        parts.append(said)
        left -= len(said)
        if left < 0:
            return None
    return "".join(parts)


def _closing(text: str) -> dict[int, int]:
    """The closing position of each brace; none for one that is not closed."""
    found, opened = dict[int, int](), list[int]()
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            found[opened.pop()] = brace.start()
    return found
