"""What a .dockerignore keeps from a build that cannot do without it (https://docs.docker.com/build/concepts/context/)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache


def taken_back_in(ignored: str, needed: Iterable[str]) -> Iterator[str]:
    """A line `!web/dist` for each of the `needed` paths that the file hides."""
    lines = [line.strip() for line in ignored.splitlines() if line.strip()[:1] not in ("", "#")]
    for path in dict.fromkeys(needed):
        parts = path.split("/")
        hidden = False
        for line in lines:  # the last line that fits decides
            back_in = line.startswith("!")
            if back_in == hidden and _fits(parts, _words(line.removeprefix("!"))):
                hidden = not back_in
        if hidden and path != ".":
            yield f"!{path}"


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
