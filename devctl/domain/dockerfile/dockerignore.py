"""What a .dockerignore keeps from a build that cannot do without it (https://docs.docker.com/build/concepts/context/)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache


def taken_back_in(ignored: str, needed: Iterable[str]) -> Iterator[str]:
    """A line `!web/dist` for each of the `needed` paths that the file hides."""
    for path in dict.fromkeys(needed):
        if path != "." and hiding_line(ignored, path) is not None:
            yield f"!{path}"


def hiding_line(ignored: str, path: str) -> int | None:
    """The number of the line that hides a path; None where none does."""
    parts, hidden = path.split("/"), None
    for number, line in enumerate(map(str.strip, ignored.splitlines()), 1):  # the last line that fits decides
        if line[:1] in ("", "#"):
            continue
        back_in = line.startswith("!")
        if back_in == (hidden is not None) and _fits(parts, _words(line.removeprefix("!"))):
            hidden = None if back_in else number
    return hidden


def _words(pattern: str) -> list[str]:
    # Go writes a set of other characters as `[^a]`.
    return posixpath.normpath(pattern.strip()).strip("/").replace("[^", "[!").split("/")


def _fits(parts: list[str], words: list[str]) -> bool:
    """Whether a pattern stands for the path, or for a folder above it. `**` is any number of folders."""

    @cache
    def fits(at: int, word: int) -> bool:
        if word == len(words):
            return True
        if words[word] == "**":
            deeper = at < len(parts) and fits(at + 1, word)
            return deeper or (fits(at, word + 1) if word + 1 < len(words) else at < len(parts))
        return at < len(parts) and fnmatchcase(parts[at], words[word]) and fits(at + 1, word + 1)

    return fits(0, 0)
