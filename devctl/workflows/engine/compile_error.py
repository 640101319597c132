"""The compiler's words as one error with its place."""

from __future__ import annotations

from msgspec.structs import replace

from devctl.domain.failures import explain
from devctl.domain.failures.places import first_place, of_compiler
from devctl.domain.lint.rules import build_hint
from devctl.domain.project.model import Service
from devctl.domain.regex import regex
from devctl.errors import DevctlError, ProjectError

_LACKS = regex(r": undefined: |is not in std|no required module provides|no Go files in")


def mend(service: Service, said: str) -> str:
    """What a save has to bring. Code that the user's Dockerfile generates before it compiles may be what lacks: in development
    nothing runs that."""
    generates = service.build.derived.build.generates if service.build.derived is not None else ""
    if _LACKS.search(said) is None:
        return "fix the code and save"
    if service.build.go_files:
        line = service.origins.get("build.go_files", service.build.dockerfile)
        return (
            f"{line} lists the files to build: add the one that declares it, or build the whole package: `go build "
            f"{service.source.main}`; else fix the code and save"
        )
    if not generates:
        return "fix the code and save"
    runs = f"{service.build.dockerfile} runs `{generates}` before it compiles"
    return f"{runs}: run that here if that code is missing; else fix the code and save"


def does_not_compile(service: Service, said: str, *, where: str = "", hint: str) -> DevctlError:
    """`said`: what `go build` printed; `where`: on what, where that is new."""
    message, said = f"{service.name} does not compile{where}", of_compiler(said, service)
    place = first_place(said)
    known = explain("reload", said, service=service.name)
    if known is not None and known.code == "embed-matches-nothing":
        lacks = [
            item
            for item in service.source.unbuilt
            if item.embedded and f"{place}:".startswith(f"{item.place}:")
        ]
        known = replace(known, hint=build_hint(lacks[0])) if lacks else known
    if known is not None and known.hint.startswith(f"go get {service.source.module}/"):
        # A folder of this project lacks, which no registry has.
        known = replace(known, why="", hint=hint)
    if known is not None:
        return known.error(detail=said, before=message, place=place)
    return ProjectError(message, code="does-not-compile", hint=hint, place=place, detail=said)
