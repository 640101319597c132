"""Places as paths in the project, not in a module or a container."""

from __future__ import annotations

import posixpath
import re

from devctl.domain.failures.searchable import searchable
from devctl.domain.project.model import Service
from devctl.domain.regex import regex

_GO = r"[^\s:]+\.go:\d+(?::\d+)?"
_COMPILED = regex(rf"^(?:vet: )?(?P<place>{_GO})(?=: )", re.MULTILINE)


def of_project(text: str, service: Service) -> str:
    """What a program or a tool prints in the container, where the project is mounted."""
    return re.sub(rf"{re.escape(service.mounted_at)}/(?={_GO})", "", searchable(text))


def of_compiler(said: str, service: Service) -> str:
    """Paths printed by `go build` are relative to go.mod."""

    def moved(found: re.Match[str]) -> str:
        place = found["place"]
        if place.startswith("/"):
            return found[0]
        return found[0].replace(place, posixpath.normpath(posixpath.join(service.source.dir, place)))

    return _COMPILED.sub(moved, of_project(said, service))


def first_place(said: str) -> str | None:
    """`main.go:7:2: undefined: x` → `main.go:7:2`."""
    found = _COMPILED.search(said)
    return found["place"] if found is not None else None


def telling_line(said: str) -> str:
    """The line of a build's output that says what is wrong: the compiler's first one, else the very first. What a user's
    command prints besides (`echo building`) says nothing."""
    lines = [line for line in said.splitlines() if line and not line.startswith("#")]
    return next((line for line in lines if _COMPILED.match(line)), lines[0] if lines else "")
