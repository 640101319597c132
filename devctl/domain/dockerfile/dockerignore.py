"""What a .dockerignore excludes from a build that needs it (https://docs.docker.com/build/concepts/context/)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase


def taken_back_in(ignored: str, needed: Iterable[str]) -> Iterator[str]:
    """A line `!web/dist` for each of the `needed` paths that the file excludes."""
    for path in dict.fromkeys(needed):
        if path != "." and hiding_line(ignored, path) is not None:
            yield f"!{path}"


def hiding_line(ignored: str, path: str) -> int | None:
    """The number of the line that excludes a path; None if none does."""
    parts, hidden = path.split("/"), None
    for number, line in enumerate(map(str.strip, ignored.split("\n")), 1):  # the last matching line decides
        if line[:1] in ("", "#"):
            continue
        back_in = line.startswith("!")
        if back_in == (hidden is not None) and _fits(parts, _words(line.removeprefix("!"))):
            hidden = None if back_in else number
    return hidden


def _words(pattern: str) -> list[str]:
    # Go writes a negated set of characters as `[^a]`.
    return posixpath.normpath(pattern.strip()).strip("/").replace("[^", "[!").split("/")


def _fits(parts: list[str], words: list[str]) -> bool:
    """Whether a pattern matches the path, or one of its parent folders. `**` matches any number of folders."""
    ends = {0}  # how many path elements the words so far may match
    for at, word in enumerate(words):
        if word == "**":
            least = min(ends) + (at == len(words) - 1)
            ends = set(range(least, len(parts) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(parts) and fnmatchcase(parts[end], word)}
        if not ends:
            return False
    return True
