"""The `go build` of a Makefile or a script that a Dockerfile runs is read: its tags and linked values hold in development too."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.build_tools import recipes, with_tools
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage, dev_dockerfile
from devctl.domain.derive.run_lines import compiles
from devctl.domain.dockerfile.build_and_start import started
from devctl.domain.dockerfile.go_build_lines import linked_in
from devctl.domain.dockerfile.prod_stages import prod_stages
from devctl.domain.dockerfile.stages import expand
from devctl.domain.numbers import LONGEST

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
ODD = """\
KIND ?= base
KIND += more
LDFLAGS := -s
LDFLAGS += -X main.version=odd
ifeq ($(DEBUG),1)
KIND = debug
else ifeq "$(OS)" "linux"
KIND = linux
endif
ifdef NOTHING
KIND = nothing
endif
build:
\tgo build -tags '$(KIND)' -ldflags "$(LDFLAGS)" -o bin/shop ./cmd/shop
"""
FILES = {
    "back/Makefile": MAKEFILE,
    "back/scripts/build.sh": SCRIPT,
    "back/tool/Makefile": INCLUDED,
    "back/common.mk": "KIND = pro\nVERSION = 3\n",
    "back/odd.mk": ODD,
    "back/unknown.mk": "K = base\nifeq ($(shell uname),Linux)\nK += linux\nendif\n"
    "all:\n\tgo build -tags '$(K)' -o bin/shop ./cmd/shop\n",
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
        ("make -f odd.mk KIND='pro extra' build", ("pro", "extra"), "-X main.version=odd"),
        ('make -f odd.mk KIND="pro extra" build', ("pro", "extra"), "-X main.version=odd"),
        ('sh -c "make debug" && echo "x"', ("debug",), ""),
        ("make -f odd.mk", ("base", "more"), "-X main.version=odd"),
        ("KIND=mine make -f odd.mk", ("mine", "more"), "-X main.version=odd"),
        ("export KIND=mine && make -f odd.mk", ("mine", "more"), "-X main.version=odd"),
        ("make -f odd.mk DEBUG=1", ("debug",), "-X main.version=odd"),
        ("make -f odd.mk OS=linux", ("linux",), "-X main.version=odd"),
        ("make -f unknown.mk", ("base",), ""),
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
    assert started(facts, compose, packages=("back/cmd/shop", "cmd/shop")).tags == tags
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


DIAMONDS = "".join(f"{side}{n}: a{n + 1} b{n + 1}\n\tgo build\n" for n in range(22) for side in "ab")
CHAIN = "".join(f"a{n}: a{n + 1}\n\tgo build\n" for n in range(3000))
LOOP = "a0: b\n\tgo build\nb: a0 b\n\tgo vet\n"


@pytest.mark.parametrize(("makefile", "lines"), [(DIAMONDS, 43), (CHAIN, 3000), (LOOP, 2)])
def test_targets_that_need_each_other_are_read_once_each(makefile: str, lines: int) -> None:
    began = time.thread_time()
    assert recipes(makefile, ["a0"]).count("go ") == lines
    assert time.thread_time() - began < 1


def test_variables_that_name_themselves_do_not_grow_without_end() -> None:
    text = recipes(f"X = {'$(X)' * 12}\nall:\n\tgo build $(X)\n", [])
    assert len(text) <= LONGEST


def test_a_makefile_that_includes_itself_is_read_once() -> None:
    read: list[str] = []
    text = "include Makefile ./Makefile loop.mk\n" * 3 + "all:\n\tgo build -o /shop ./cmd/shop\n"

    def seen(path: str) -> str | None:
        read.append(path)
        return text if path in ("Makefile", "loop.mk") else None

    facts = with_tools(parse("FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN make\n"), seen)
    assert "go build -o /shop" in facts.stages[0].instructions[-1].runs
    assert sorted(read) == ["GNUmakefile", "Makefile", "loop.mk", "makefile"]


def test_a_line_of_assignments_takes_no_time() -> None:
    began = time.thread_time()
    with_tools(parse(f"FROM golang:1.26\nRUN x{';a=' * 15_000}\n"), lambda _: None)
    assert time.thread_time() - began < 8  # 0.6 on a good day


def test_a_flag_of_a_makefile_stays_within_the_variable_that_it_is_put_into() -> None:
    text = "all:\n\tgo build -mod=vendor '-tags=a\"\tPATH=/evil' '-gcflags=$$(x)' -o /out/shop ./cmd/shop\n"
    facts = with_tools(
        parse(
            "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN make\n"
            "FROM scratch\nCOPY --from=build /out/shop /shop\nENTRYPOINT [\"/shop\"]\n"
        ),
        {"Makefile": text}.get,
    )  # fmt: skip
    found = derived_stage(facts, {}, package="cmd/shop", module="example.com/shop", started_in=".")
    assert isinstance(found, DerivedStage)
    said = dev_dockerfile(found, air="", std="", modules="", scripts={}, context=".")
    assert '-modcacherw -mod=vendor"' in said and "evil" not in said


def test_a_folder_of_any_name_is_gone_into() -> None:
    run = "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN make -C 'a\\1'\n"
    facts = with_tools(
        parse(run), lambda path: "all:\n\tgo build .\n" if path.endswith("/Makefile") else None
    )
    assert facts.stages[0].instructions[-1].runs == "cd a\\1 && go build .\n"


BLANKS = " " * 300_000
"""Would be looked at for hours if each was one where the search begins again."""


@pytest.mark.parametrize(
    "line", [f"X = a{BLANKS}b", f"include a{BLANKS}b", f"-include{BLANKS}", f"X{BLANKS}"]
)
def test_a_long_line_of_a_makefile_is_read_once(line: str) -> None:
    makefile = f"{line}\nKIND = pro {BLANKS}\nall:\n\tgo build -tags $(KIND)\n"
    facts = parse("FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN make\n")
    read = with_tools(facts, lambda path: makefile if path == "Makefile" else None)
    assert read.stages[0].instructions[-1].runs == "go build -tags pro\n"


@pytest.mark.parametrize("middle", ["\n" * 300_000, "build" * 60_000, 'a="' * 100_000])
def test_a_long_line_of_a_dockerfile_is_searched_once(middle: str) -> None:
    facts = parse("FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN x\n")
    stage = facts.stages[0]
    run = replace(stage.instructions[-1], original=f"RUN x;./{middle}\nmake")
    facts = replace(facts, stages=(replace(stage, instructions=(*stage.instructions[:-1], run)),))
    read = with_tools(facts, lambda path: "all:\n\tgo build\n" if path == "Makefile" else None)
    assert read.stages[0].instructions[-1].runs == "go build\n"


@pytest.mark.parametrize("middle", ["\n" * 300_000, 'a="' * 100_000, "build" * 20_000])
def test_so_is_a_command_that_may_compile(middle: str) -> None:
    assert compiles(f"x;./{middle}\nmake") and not compiles(f"x;./{middle}\nls")


VALUE = st.sampled_from(["", "x", "y", "x y"])
ASSIGNMENT = st.builds(
    "{} {} {}".format, st.sampled_from("ABC"), st.sampled_from(["=", ":=", "?=", "+="]), VALUE
)
CONDITION = st.builds("ifeq ($({}),{})".format, st.sampled_from("ABC"), VALUE) | st.builds(
    "{} {}".format, st.sampled_from(["ifdef", "ifndef"]), st.sampled_from("ABC")
)


def block(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.builds(lambda c, a, b: [c, *a, "else", *b, "endif"], CONDITION, inner, inner)


LINES = st.recursive(
    st.lists(ASSIGNMENT, max_size=4),
    lambda inner: block(inner) | st.builds(lambda a, b: [*a, *b], inner, inner),
    max_leaves=6,
)


@given(LINES, st.dictionaries(st.sampled_from("AB"), VALUE), st.dictionaries(st.sampled_from("BC"), VALUE))
@settings(max_examples=60, deadline=None)
def test_variables_and_conditions_are_read_as_make_reads_them(
    lines: list[str], given_env: dict[str, str], told: dict[str, str]
) -> None:
    makefile = "\n".join([*lines, "all:", "\techo | $(A) | $(B) | $(C) |", ""])
    words = [f"{name}={value}" for name, value in told.items()]
    done = subprocess.run(
        ["make", "-n", "-f", "-", *words], input=makefile, env={"PATH": os.defpath, **given_env},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = expand(recipes(makefile, words, given_env), {})
    assert [part.split() for part in ours.split("|")] == [part.split() for part in done.stdout.split("|")]
