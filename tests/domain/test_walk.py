"""A stage read line by line: folders, variables, and which parts of the build context are where."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.stages import LONGEST
from devctl.domain.dockerfile.walk import copied_as, in_context, walk, working_dir

TWO = """\
ARG BINARY=shop
ARG REGION=eu
FROM golang:1.26-alpine AS base
ARG BINARY
ARG CHANNEL=edge
ENV OUT=/out EMPTY=
WORKDIR $GOPATH/src/shop
COPY backend/ .
FROM base AS build
ARG CHANNEL
WORKDIR cmd
RUN go build -o $OUT/$EMPTY$BINARY-$CHANNEL-$REGION .
"""


def last(text: str, args: dict[str, str] | None = None) -> str:
    facts = parse(text)
    [*_, line] = walk(facts, facts.stages[-1], args or {})
    return line.filled(" ".join(line.instruction.value))


def test_variables_reach_the_stages_above_but_no_global_one_that_is_not_named() -> None:
    assert last(TWO) == "go build -o /out/shop-edge-$ ."
    assert last(TWO, {"BINARY": "till", "REGION": "us"}) == "go build -o /out/till-edge-$ ."


def test_env_wins_over_an_argument_of_the_same_name() -> None:
    assert last("FROM alpine\nENV A=one\nARG A=two\nRUN $A", {"A": "three"}) == "one"


def test_folders_go_on_where_the_stage_below_ended() -> None:
    facts = parse(TWO)
    [*_, line] = walk(facts, facts.stages[-1])
    assert line.folder == "/go/src/shop/cmd"
    assert line.path("../x") == "/go/src/shop/x"
    assert in_context(line.folder, line.brought) == "backend/cmd"


@pytest.mark.parametrize(
    ("base", "folder"),
    [
        ("golang:1.26", "/go/app"),
        ("alpine:3.22", "/app"),
        ("gcr.io/distroless/static-debian13:nonroot", "/home/nonroot/app"),
        ("example.com/base", "/app"),
    ],
)
def test_a_relative_folder_is_in_that_of_the_base(base: str, folder: str) -> None:
    facts = parse(f"FROM {base}\nWORKDIR app\n")
    [line] = walk(facts, facts.stages[0])
    assert line.folder == folder
    assert working_dir(facts, facts.stages[0]) == "$/app"


def test_variables_that_grow_without_end_stay_as_they_are_written() -> None:
    text = "ARG A=xxxxxxxx\nARG B=$A\n" + "ARG B=$B$B\n" * 40
    text += "FROM alpine\nENV A=xxxxxxxx\n" + "ENV A=$A$A\n" * 40 + "RUN echo " + "$A" * 1000 + "\n"
    facts = parse(text)
    [*_, line] = walk(facts, facts.stages[-1])
    assert max(map(len, [*line.values.values(), *facts.global_args.values()])) < 20_000
    assert len(line.filled(line.instruction.original)) <= LONGEST


@pytest.mark.parametrize(
    ("lines", "path", "source"),
    [
        ("COPY docker/entrypoint.sh /docker-entrypoint.sh", "/docker-entrypoint.sh", "docker/entrypoint.sh"),
        ("COPY ./docker/start /start", "/start", "docker/start"),
        ("COPY scripts/start /usr/bin/", "/usr/bin/start", "scripts/start"),
        ("COPY a.txt scripts/run.sh /", "/run.sh", "scripts/run.sh"),
        ("COPY scripts/*.sh /usr/bin/", "/usr/bin/run.sh", "scripts/run.sh"),
        ("WORKDIR /app\nCOPY --chmod=0755 docker/run.sh .", "/app/run.sh", "docker/run.sh"),
        ("ARG FOLDER=docker\nCOPY $FOLDER/run.sh /run.sh", "/run.sh", "docker/run.sh"),
        ("COPY docker/ /opt/", "/opt/bin/run.sh", "docker/bin/run.sh"),
        ("COPY old.sh /run.sh\nCOPY new.sh /run.sh", "/run.sh", "new.sh"),
        ("COPY docker/run.sh /\nCOPY --from=build /server /", "/run.sh", "docker/run.sh"),
        ("COPY docker/run.sh /run.sh\nCOPY --from=build /src/run.sh /run.sh", "/run.sh", None),
        ("COPY docker/ /opt/\nCOPY --from=build /out/ /opt/", "/opt/run.sh", None),
        ("COPY $FOLDER/run.sh /run.sh", "/run.sh", None),
        ("ADD https://example.com/run.sh /run.sh", "/run.sh", None),
        ("COPY <<EOF /run.sh\n#!/bin/sh\nEOF", "/run.sh", None),
        ("COPY config.yml /etc/shop/", "/run.sh", None),
        ("RUN make", "/run.sh", None),
    ],
)
def test_the_file_that_a_copy_makes_another_of(lines: str, path: str, source: str | None) -> None:
    facts = parse(f"FROM golang:1.26 AS build\nFROM alpine:3.22\n{lines}\n")
    assert copied_as(facts, facts.stages[-1], path) == source
