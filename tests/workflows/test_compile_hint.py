"""What the hint says where a service does not compile: code may lack that the Dockerfile generates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.build_tools import with_tools
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage
from devctl.domain.project.model import ImageBuild, Service, SourceCode
from devctl.workflows.engine.compile_error import does_not_compile, mend

UNDEFINED = "# example.com/shop\n./main.go:7:2: undefined: gen.Version"
FILES = {"Makefile": "build: gen\n\tgo build -o bin/shop .\ngen:\n\t@sqlc generate\n"}


def service(run: str) -> Service:
    text = (
        f"FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\n{run}\n"
        'FROM scratch\nCOPY --from=0 /src/bin/shop /shop\nCMD ["/shop"]\n'
    )
    found = derived_stage(
        with_tools(parse(text), FILES.get), {}, package=".", module="example.com/shop", started_in="."
    )
    assert isinstance(found, DerivedStage)
    return Service(
        name="shop",
        source=SourceCode(module="example.com/shop"),
        build=ImageBuild(dockerfile="Dockerfile", derived=found),
    )


@pytest.mark.parametrize(
    ("run", "command"),
    [
        ("RUN go generate ./... && CGO_ENABLED=0 go build -o bin/shop .", "go generate ./..."),
        ("RUN templ generate\nRUN go build -o bin/shop .", "templ generate"),
        ("RUN go tool sqlc generate; go build -o bin/shop .", "go tool sqlc generate"),
        ("RUN make build", "sqlc generate"),
    ],
)  # fmt: skip
def test_what_the_dockerfile_generates_is_named_where_code_lacks(run: str, command: str) -> None:
    assert f"Dockerfile runs `{command}` before it compiles" in mend(service(run), UNDEFINED)
    assert mend(service(run), "./main.go:7:2: missing return") == "fix the code and save"


def test_a_dockerfile_that_generates_nothing_is_not_spoken_of() -> None:
    assert mend(service("RUN go vet ./... && go build -o bin/shop ."), UNDEFINED) == "fix the code and save"


@pytest.mark.parametrize(
    ("package", "hint"),
    [
        ("example.com/shop/internal/web", "fix the code and save"),
        ("example.com/shopping", "go get example.com/shopping"),
    ],
)
def test_a_package_of_the_project_is_not_looked_for_in_a_registry(package: str, hint: str) -> None:
    said = f"main.go:6:2: no required module provides package {package}; to add it:\n\tgo get {package}"
    error = does_not_compile(service("RUN go build -o bin/shop ."), said, hint="fix the code and save")
    assert (error.code, error.problem.hint) == ("requirement-missing", hint)


@pytest.mark.follows(
    "… lists the files to build: add the one that declares it, or build the whole package: `go build …`; else fix the code and save"
)
def test_a_line_that_names_files_is_told_until_it_names_the_package(hinted: Callable[[str], str]) -> None:
    made = service("RUN go build -o bin/shop main.go")
    named = replace(made, build=replace(made.build, go_files=("main.go",)))
    build, _, package = hinted(mend(named, UNDEFINED)).split("`")[1].rpartition(" ")
    whole = service(f"RUN {build} -o bin/shop {package}")
    assert whole.build.go_files == () and mend(whole, UNDEFINED) == "fix the code and save"
