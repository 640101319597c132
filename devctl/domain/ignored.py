"""What a .dockerignore keeps from a build that cannot do without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch


def taken_back_in(ignored: str, needed: Iterable[str]) -> Iterator[str]:
    """A line `!web/dist` for each of the `needed` paths that a line of the file hides."""
    lines = [
        line.strip().strip("/") for line in ignored.splitlines() if line.strip()[:1] not in ("", "#", "!")
    ]
    for path in dict.fromkeys(needed):
        parts = path.split("/")
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if path != "." and any(_hides(line, above, parts) for line in lines):
            yield f"!{path}"


def _hides(line: str, above: list[str], parts: list[str]) -> bool:
    anywhere = line.removeprefix("**/")
    return any(fnmatch(path, line) for path in above) or (
        anywhere != line and any(fnmatch(part, anywhere) for part in parts)
    )
