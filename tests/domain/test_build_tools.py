"""The `go build` of a Makefile or a script that a Dockerfile runs is read: its tags and linked values hold in development too."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.build_tools import with_tools
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage
from devctl.domain.dockerfile.build_and_start import started
from devctl.domain.dockerfile.go_build_lines import linked_in
from devctl.domain.dockerfile.prod_stages import prod_stages

MAKEFILE = """\
VERSION ?= none
KIND := pro
LDFLAGS = -s -w -X main.version=$(VERSION) \\
\t-X main.commit=$(shell git rev-parse HEAD)
OUT = bin

.PHONY: all build debug
all: build
build: vet
\t@CGO_ENABLED=0 go build -mod=vendor -tags $(KIND) -ldflags "$(LDFLAGS)" -o $(OUT)/shop ./cmd/shop
vet:
\tgo vet ./...
debug:
\tgo build -tags debug -o bin/shop ./cmd/shop
"""
SCRIPT = """\
#!/bin/sh
set -eu
export CGO_ENABLED=0
go build -mod=vendor -tags pro \\
  -ldflags "-X main.version=${VERSION:-none}" -o bin/shop ./cmd/shop
"""
INCLUDED = """\
include ../common.mk
-include local.mk
build:
\tgo build -tags $(KIND) -ldflags "-X main.version=$(VERSION)" -o ../bin/shop ../cmd/shop
"""
FILES = {
    "back/Makefile": MAKEFILE,
    "back/scripts/build.sh": SCRIPT,
    "back/tool/Makefile": INCLUDED,
    "back/common.mk": "KIND = pro\nVERSION = 3\n",
    "back/other.mk": "all:\n\tgo build -tags other -o bin/shop ./cmd/shop\n",
}


@pytest.mark.parametrize(
    ("run", "tags", "linked"),
    [
        ("make", ("pro",), "-X main.version=1.2"),
        ("CGO_ENABLED=0 make -j2 build", ("pro",), "-X main.version=1.2"),
        ("make build VERSION=9", ("pro",), "-X main.version=9"),
        ("make debug", ("debug",), ""),
        ('["make", "debug"]', ("debug",), ""),
        ("apk add --no-cache git && make debug", ("debug",), ""),
        ("bash -e ./scripts/build.sh", ("pro",), "-X main.version=1.2"),
        ("./scripts/build.sh", ("pro",), "-X main.version=1.2"),
        ("sh scripts/build.sh release", ("pro",), "-X main.version=1.2"),
        ("make -f other.mk", ("other",), ""),
        ("make -fother.mk all", ("other",), ""),
        ("make -f missing.mk", (), ""),
        ("make -C tool build", ("pro",), "-X main.version=3"),
        ("make --directory=tool", ("pro",), "-X main.version=3"),
        ("cd tool && make", ("pro",), "-X main.version=3"),
        ("cd tool && make -f ../other.mk", ("other",), ""),
    ],
)
def test_what_a_tool_builds_with_holds(run: str, tags: tuple[str, ...], linked: str) -> None:
    facts = with_tools(
        parse(
            "FROM golang:1.26 AS build\nARG VERSION=1\nENV VERSION=$VERSION\nWORKDIR /src\nRUN apk add make\nCOPY back .\n"
            f"RUN {run}\nFROM scratch\nCOPY --from=0 /src/bin/shop /shop\nENTRYPOINT [\"/shop\"]\n"
        ),
        FILES.get,
    )  # fmt: skip
    compose = {"build": {"args": {"VERSION": "1.2"}}}
    assert started(facts, compose).tags == tags
    found = derived_stage(facts, compose, package="back/cmd/shop", module="example.com/shop", started_in=".")
    assert isinstance(found, DerivedStage)
    build = found.build.own_build
    assert build is not None
    assert linked_in(build.flags) == linked


ALL = """\
#!/bin/sh
for program in shop seed; do
  go build -o "bin/$program" "./cmd/${program}"
done
"""


def test_every_program_that_a_script_builds_is_there_for_the_start() -> None:
    facts = with_tools(
        parse(
            "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN ./build.sh\n"
            "FROM golang:1.26\nWORKDIR /app\nCOPY --from=build /src/bin ./bin\nENV PATH=/app/bin:$PATH\n"
        ),
        {"build.sh": ALL}.get,
    )  # fmt: skip
    compose = {"command": ["sh", "-c", "seed && exec shop"]}
    found = derived_stage(facts, compose, package="cmd/shop", module="example.com/shop", started_in=".")
    assert isinstance(found, DerivedStage)
    assert found.final.programs == {"/app/bin/shop": "cmd/shop", "/app/bin/seed": "cmd/seed"}
    assert prod_stages(facts, compose) == {"other": "1"}
    assert prod_stages(facts, {"command": ["air"]}) == prod_stages(facts, {}) == {}
