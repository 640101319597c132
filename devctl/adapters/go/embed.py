"""Which files a package embeds: a change to one of them needs a new build, whatever its extension."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from devctl.adapters.inputs import asked
from devctl.adapters.system import beneath
from devctl.adapters.system.regular_file import walk
from devctl.domain.regex import regex

_WORD = regex(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\S+')
_MOST = 5000
"""Files that are examined; if there are more, their extensions have been seen by then."""
_NAMES = 20_000
"""Names in folders that a pattern is matched against."""
_WILD = regex(r"[*?\[\\]")


def embed_patterns(source: bytes) -> Iterator[tuple[int, str]]:
    """Line and pattern, for each pattern in the `//go:embed` lines; a quoted one may contain spaces."""
    lines = source.splitlines() if b"//go:embed" in source else []
    for number, line in enumerate(lines, start=1):
        if line.startswith((b"//go:embed ", b"//go:embed\t")):
            for word in _WORD.findall(line[len(b"//go:embed") :].decode(errors="replace")):
                quoted = len(word) > 1 and word[0] in '"`' and word[0] == word[-1]
                yield number, word[1:-1] if quoted else word


def embedded(root: Path, folder: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """`*.txt` for each extension, and the paths (relative to `root`) of files without one. `folder`: that of the package."""
    found: dict[str, None] = {}
    for number, path in enumerate(_files(root, folder, patterns)):
        if number >= _MOST:
            break
        ending = posixpath.splitext(path)[1]
        name = f"*{ending}" if ending else posixpath.normpath(f"{folder}/{path}")
        found.setdefault(name)
    return tuple(sorted(found))


def fitting(root: Path, folder: str, pattern: str) -> list[Path] | None:
    """What a pattern of go:embed (without `all:`) matches in the folder of its package; None for one that Go rejects.

    As in Go, `*` ends at a slash and links are not followed. Nothing outside `root` is examined.
    """
    parts = pattern.split("/")
    if {"", ".", ".."} & set(parts) or any("**" in part for part in parts if part != "**"):
        return None
    found = [folder]
    left = _NAMES
    for part in parts:
        above, found = found, []
        for at in above:
            names = _names(root, at)
            left -= len(names)
            if left < 0:
                return [root / path for path in found]
            found += [posixpath.normpath(f"{at}/{name}") for name in names if _matches(name, part)]
    return [root / path for path in found]


def _matches(name: str, part: str) -> bool:
    if not _WILD.search(part):
        return name == part
    return fnmatchcase(name, part.replace("[^", "[!").replace("**", "*"))


def _names(root: Path, folder: str) -> Sequence[str]:
    """The entries of a path that is a folder and not behind a link."""
    parts = [part for part in folder.split("/") if part != "."]
    asked.will_list(root.joinpath(*parts))
    try:
        with beneath.folder(root, parts) as handle, os.scandir(handle) as entries:
            return sorted(entry.name for entry in islice(entries, _NAMES + 1))
    except OSError:
        return ()


def _files(root: Path, folder: str, patterns: Iterable[str]) -> Iterator[str]:
    """Relative to the package; a pattern that names a folder embeds its content."""
    for pattern in patterns:
        for path in fitting(root, folder, pattern.removeprefix("all:")) or ():
            if path.is_symlink():
                continue
            if not asked.is_dir(path):
                yield path.relative_to(root / folder).as_posix()
                continue
            for below, _, names in walk(path, noted=True):
                at = Path(below).relative_to(root / folder).as_posix()
                yield from (f"{at}/{name}" for name in names)
