"""Save → served: devctl's loop against air's defaults, against wgo, and against the floor (`go build` and start)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.harness import Row, Side, beside, body, keep, polled, replace_in, saves_in_turn, until_served
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
# As `go install` does, but without asking which versions there are: not every module proxy tells.
WGO = """
mkdir /tmp/none && cd /tmp/none && go mod init none && go mod download github.com/bokwoon95/wgo@v0.5.6
cd /go/pkg/mod/github.com/bokwoon95/wgo@v0.5.6 && go build -o /tmp/wgo . && cd /app
exec /tmp/wgo -file '[.]go$' go build -buildvcs=false -o /tmp/server . :: /tmp/server
"""
# No watcher at all: told by a byte in a pipe, it builds with our flags, stops the old process and starts the new one.
FLOOR = """
build() { GOGC=400 go build -buildvcs=false -ldflags=-w -o /tmp/next . && mv /tmp/next /tmp/floor; }
build; /tmp/floor & p=$!
while read -r _ <.saved; do
  build || continue
  kill -INT $p; wait $p
  /tmp/floor & p=$!
done
"""


def greeting_file(root: Path) -> Path:
    return next(
        p for p in sorted(root.rglob("*.go")) if "Hello from Go" in p.read_text() and "_test" not in p.name
    )


def tell(pipe: Path) -> None:
    pipe.write_text("saved\n")


def test_save_to_served(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    mine.devctl("up", "-d")
    (other.root / ".air.toml").unlink()
    with beside(mine, other.root, "air") as port:
        ours, theirs = saves_in_turn(
            Side(mine.port, greeting_file(mine.root)), Side(port, greeting_file(other.root)), rounds=ROUNDS
        )
    against = "air's defaults in the same image"
    keep(Row("save → served", ours, theirs, against, "devctl up -d; edit a file", aim=0.25))


def test_save_to_served_against_wgo(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    mine.devctl("up", "-d")
    with beside(mine, other.root, "sh", "-c", WGO) as port:
        ours, theirs = saves_in_turn(
            Side(mine.port, greeting_file(mine.root)), Side(port, greeting_file(other.root)), rounds=ROUNDS
        )
    keep(Row("save → served, beside wgo", ours, theirs, "wgo in the same image", "devctl up -d; edit a file"))


def test_save_to_served_against_the_floor(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    mine.devctl("up", "-d")
    pipe = other.root / ".saved"
    os.mkfifo(pipe)
    with beside(mine, other.root, "sh", "-c", FLOOR) as port:
        floor = Side(port, greeting_file(other.root), saved=lambda: tell(pipe))
        ours, theirs = saves_in_turn(Side(mine.port, greeting_file(mine.root)), floor, rounds=ROUNDS)
    against = "go build, stop, start, without a watcher"
    keep(Row("save → served, the floor", ours, theirs, against, "devctl up -d; edit a file", aim=1.15))


def test_refused_requests_and_a_failed_build(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    source = greeting_file(mine.root)
    gaps, before = [], "Hello from Go"
    for number in range(ROUNDS):
        now = f"polled {number} of {time.time_ns()}"
        with polled(mine.port) as seen:
            replace_in(source, before, now)
            until_served(mine.port, now)
        gaps.append(seen.longest_ms)
        before = now
    with polled(mine.port) as broken:
        source.write_text(source.read_text() + "\nfunc broken() { undefined() }\n")
        time.sleep(3)
    with polled(mine.port) as quiet:
        time.sleep(2)
    steady = [quiet.longest_ms] * len(gaps)
    keep(
        Row(
            "longest gap at a reload", gaps, steady, "the same client with nothing happening", "devctl up -d; edit a file",
            note=f"a build that fails: {broken.failed} of {broken.asked} requests refused",
        )
    )  # fmt: skip
    assert broken.failed == 0 and body(mine.port) is not None
