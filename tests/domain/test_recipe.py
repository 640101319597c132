"""Which commands a build runs again: those of the deps layer and what stands on it."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.recipe import Recipe, deps_line, run_again
from devctl.domain.dockerfile.stages import find_stage
from tests.engine.conftest import TEMPLATE

ONE = "FROM golang:1.26 AS dev\nRUN go install air@v1\nCOPY go.mod go.sum ./\nRUN go mod download\n"

BARE = "FROM golang:1.26 AS dev\nRUN go install air@v1\n"


@pytest.mark.parametrize(
    ("text", "brings"),
    [
        (ONE, "COPY go.mod go.sum ./"),
        (ONE.replace("COPY go.mod go.sum", 'COPY ["api/go.mod", "./"]\nCOPY web'), 'COPY ["api/go.mod", "./"]'),
        (ONE.replace("go.mod go.sum", "go.* "), "COPY go.*  ./"),
        (ONE.replace("COPY go.mod go.sum ./", "COPY . ."), "COPY . ."),
        (ONE.replace("COPY go.mod", "COPY . /src\nCOPY go.mod"), "COPY go.mod go.sum ./"),
        (f"{BARE}RUN --mount=type=bind,target=. go mod download\n", "RUN --mount=type=bind,target=. go mod download"),
        (f"{BARE}COPY .air.toml ./\nCOPY --from=golang:1.26 . /go\n", None),
        ("FROM golang:1.26 AS tools\nCOPY go.mod ./\nFROM golang:1.26 AS dev\nRUN true\n", None),
        ((TEMPLATE / "Dockerfile").read_text(), "COPY go.mod go.su[m] ./"),
    ],
    ids=["one stage", "of a workspace", "by a pattern", "with the source", "beside it", "mounted",
         "nowhere", "in a stage that it does not need", "ours"],
)  # fmt: skip
def test_the_deps_layer_begins_where_go_mod_comes_in(text: str, brings: str | None) -> None:
    facts = parse(text)
    dev = find_stage(facts, "dev")
    assert dev is not None
    line = deps_line(facts, dev)
    assert (text.splitlines()[line - 1] if line is not None else None) == brings


def test_only_what_comes_after_the_argument_runs_again() -> None:
    lines = run_again(Recipe(ONE, ""), [3], "17").dockerfile.splitlines()
    assert lines == [*ONE.splitlines()[:2], "ARG DEVCTL_AGAIN=17", *ONE.splitlines()[2:]]
    assert parse("\n".join(lines)).stages[0].instructions[-1].value == ("go mod download",)
