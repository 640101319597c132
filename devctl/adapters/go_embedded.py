"""Which files a package embeds: a change of one of them needs a new build, whatever its ending."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

_MOST = 5000
"""Files that are looked at; where there are more, their endings have been seen by then."""


def embedded(root: Path, folder: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """`*.txt` for each ending, and the paths (relative to `root`) of files without one. `folder`: that of the package."""
    found: dict[str, None] = {}
    for number, path in enumerate(_files(root / folder, patterns)):
        if number >= _MOST:
            break
        ending = posixpath.splitext(path)[1]
        name = f"*{ending}" if ending else posixpath.normpath(f"{folder}/{path}")
        found.setdefault(name)
    return tuple(sorted(found))


def _files(folder: Path, patterns: Iterable[str]) -> Iterator[str]:
    """Relative to the package; a pattern that names a folder embeds what is in it."""
    for pattern in patterns:
        plain = pattern.removeprefix("all:")
        if plain.startswith(("/", "..")):
            continue
        try:
            fitting = sorted(folder.glob(plain))
        except (ValueError, NotImplementedError):  # no pattern that Go would take either
            continue
        for path in fitting:
            if not path.is_dir():
                yield path.relative_to(folder).as_posix()
                continue
            for below, _, names in os.walk(path):
                at = Path(below).relative_to(folder).as_posix()
                yield from (f"{at}/{name}" for name in names)
