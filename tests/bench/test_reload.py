"""Save → served: devctl's loop against air's defaults in the same image, and against the floor (`go build` and start)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.harness import Row, body, keep, polled, replace_in, run, until_served
from tests.engine.cli import free_port
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
FLOOR = """
set -e
cd /app; export GOGC=400
i=0
while [ $i -lt ROUNDS ]; do
  i=$((i+1))
  sed -i "s/floor [0-9]*/floor $i/; s/Hello from Go/floor $i/" main.go
  read -r a _ </proc/uptime
  go build -buildvcs=false -ldflags=-w -o /tmp/floor .
  PORT=9999 /tmp/floor >/dev/null 2>&1 & p=$!
  until wget -q -O- http://127.0.0.1:9999/ 2>/dev/null | grep -q "floor $i"; do :; done
  read -r b _ </proc/uptime
  kill $p; wait $p || true
  echo "$a $b"
done
"""


def greeting_file(root: Path) -> Path:
    return next(
        p for p in sorted(root.rglob("*.go")) if "Hello from Go" in p.read_text() and "_test" not in p.name
    )


def saves(port: int, source: Path, *, rounds: int) -> list[float]:
    """Save a new greeting, wait until it is served; the first save is not counted."""
    times, before = [], "Hello from Go"
    for number in range(rounds + 1):
        now = f"save {number} of {port}"
        replace_in(source, before, now)
        times.append(until_served(port, now))
        before = now
        time.sleep(0.3)
    replace_in(source, before, "Hello from Go")
    until_served(port, "Hello from Go")
    return times[1:]


def test_save_to_served(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    source = greeting_file(mine.root)
    # air's defaults, in the same image with the same mounts, beside ours.
    other = project()
    (other.root / ".air.toml").unlink()
    port = free_port()
    volume = f"devctl-go1.26-{other.root.stat().st_uid}"
    argv = ["docker", "run", "--detach", "--init", "--publish", f"127.0.0.1:{port}:8080"]
    argv += ["--volume", f"{other.root}:/app", "--volume", f"{volume}:/cache", f"{mine.name}-app:dev", "air"]
    container = run(*argv).strip()
    try:
        until_served(port, "Hello from Go", within=120)
        theirs = saves(port, greeting_file(other.root), rounds=ROUNDS)
        ours = saves(mine.port, source, rounds=ROUNDS)
    finally:
        run("docker", "rm", "--force", container)
    keep(
        Row(
            "save → served",
            ours,
            theirs,
            "air's defaults in the same image",
            "devctl up -d; edit a file",
            aim=0.25,
        )
    )
    assert ours


def test_refused_requests_and_a_failed_build(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    source = greeting_file(mine.root)
    gaps = []
    for number in range(ROUNDS):
        with polled(mine.port) as seen:
            replace_in(source, "Hello from Go" if number == 0 else f"polled {number - 1}", f"polled {number}")
            until_served(mine.port, f"polled {number}")
        gaps.append(seen.longest_ms)
    with polled(mine.port) as broken:
        source.write_text(source.read_text() + "\nfunc broken() { undefined() }\n")
        time.sleep(3)
    steady = []
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


def test_save_to_served_against_the_floor(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    ours = saves(mine.port, greeting_file(mine.root), rounds=ROUNDS)
    other = project()
    volume = f"devctl-go1.26-{other.root.stat().st_uid}"
    source = greeting_file(other.root)
    script = FLOOR.replace("ROUNDS", str(ROUNDS)).replace(
        "main.go", source.relative_to(other.root).as_posix()
    )
    argv = [
        "docker",
        "run",
        "--rm",
        "--init",
        "--volume",
        f"{other.root}:/app",
        "--volume",
        f"{volume}:/cache",
    ]
    said = run(*argv, "--entrypoint", "sh", f"{mine.name}-app:dev", "-c", script)
    theirs = [(float(b) - float(a)) * 1000 for a, b in (line.split() for line in said.strip().splitlines())]
    keep(
        Row(
            "save → served, the floor",
            ours,
            theirs,
            "go build, start, first answer",
            "devctl up -d",
            aim=1.15,
        )
    )
    assert json.dumps(theirs)
