"""The compiler's words as one error with its place."""

from __future__ import annotations

from dataclasses import replace

from devctl.domain.failures import explain
from devctl.domain.lint_code import build_hint
from devctl.domain.project import Service
from devctl.errors import DevctlError, ProjectError


def does_not_compile(service: Service, said: str, *, where: str = "", hint: str) -> DevctlError:
    """`said`: what `go build` printed; `where`: on what, where that is new."""
    message = f"{service.name} does not compile{where}"
    place = _first_place(said, service)
    known = explain("reload", said, service=service.name)
    if known is not None and known.code == "embed-matches-nothing":
        lacks = [
            item for item in service.unbuilt if item.embedded and f"{place}:".startswith(f"{item.place}:")
        ]
        known = replace(known, hint=build_hint(lacks[0])) if lacks else known
    if known is not None:
        return known.error(detail=said, before=message, place=place)
    return ProjectError(message, code="does-not-compile", hint=hint, place=place, detail=said)


def _first_place(said: str, service: Service) -> str | None:
    """`./main.go:7:2: undefined: x` → `main.go:7:2`, relative to the project."""
    for line in said.splitlines():
        path, colon, rest = line.strip().partition(".go:")
        number = rest.split(" ")[0].rstrip(":")
        if colon and number[:1].isdigit() and " " not in path:
            folder = "" if service.dir == "." else f"{service.dir}/"
            return f"{folder}{path.removeprefix('./')}.go:{number}"
    return None
