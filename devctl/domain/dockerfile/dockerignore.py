"""What a .dockerignore keeps from a build that cannot do without it (https://docs.docker.com/build/concepts/context/)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase


def taken_back_in(ignored: str, needed: Iterable[str]) -> Iterator[str]:
    """A line `!web/dist` for each of the `needed` paths that the file hides."""
    for path in dict.fromkeys(needed):
        if path != "." and hiding_line(ignored, path) is not None:
            yield f"!{path}"


def hiding_line(ignored: str, path: str) -> int | None:
    """The number of the line that hides a path; None where none does."""
    parts, hidden = path.split("/"), None
    for number, line in enumerate(map(str.strip, ignored.split("\n")), 1):  # the last line that fits decides
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
    ends = {0}  # how many parts the words so far may stand for
    for at, word in enumerate(words):
        if word == "**":
            least = min(ends) + (at == len(words) - 1)
            ends = set(range(least, len(parts) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(parts) and fnmatchcase(parts[end], word)}
        if not ends:
            return False
    return True
