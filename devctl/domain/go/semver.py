"""The order of Go module versions, as in golang.org/x/mod/semver (pseudo-versions are pre-releases)."""

from __future__ import annotations

from devctl.domain.numbers import whole
from devctl.domain.regex import regex

_VERSION = regex(
    r"v(?P<major>0|[1-9]\d{0,17})(?:\.(?P<minor>0|[1-9]\d{0,17})(?:\.(?P<patch>0|[1-9]\d{0,17}))?)?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)

Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
_INVALID: Key = (-1, -1, -1, -1, ())


def version_key(version: str) -> Key:
    """A sort key: anything that is not a version comes first; `+incompatible` does not count."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return _INVALID
    pre = found["pre"]
    numbers = (int(found["major"]), int(found["minor"] or 0), int(found["patch"] or 0))
    # A release is newer than each of its pre-releases; a number is older than a word.
    return (*numbers, 0 if pre else 1, tuple(_identifier(part) for part in pre.split(".")) if pre else ())


def _identifier(part: str) -> tuple[int, int, str]:
    number = whole(part)
    return (0, number, "") if number is not None else (1, 0, part)
