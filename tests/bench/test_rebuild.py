"""go.mod saved → served, and by the new container: devctl against `docker compose up --watch` with a rebuild rule.

devctl's running container serves what was built for the new go.mod before the new one takes its place."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from tests.bench.harness import Row, body, go, keep, run, until_not_served, until_served
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
MODULE = "github.com/go-chi/chi/v5"
VERSIONS = (
    "v5.0.0", "v5.0.1", "v5.0.2", "v5.0.7", "v5.0.8", "v5.0.10", "v5.0.11", "v5.0.12",
    "v5.1.0", "v5.2.0", "v5.2.1", "v5.2.2", "v5.2.3", "v5.2.4", "v5.2.5", "v5.3.0",
)  # fmt: skip
TITLE = "go.mod saved → served"
AIM = 0.6
MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime/debug"

	_ "github.com/go-chi/chi/v5"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		info, _ := debug.ReadBuildInfo()
		for _, dep := range info.Deps {
			host, _ := os.Hostname()
			fmt.Fprintln(w, "chi", dep.Version+";", host)
		}
	})
	http.ListenAndServe(":8080", nil)
}
"""
WATCH = """
    develop:
      watch:
        - action: rebuild
          path: go.mod
"""


Manifests = tuple[str, str]


def prepared(started: Started) -> None:
    """The project with MAIN instead of the template's code."""
    for path in {*started.root.rglob("*_test.go"), *(started.root / "internal").rglob("*.go")}:
        path.unlink()
    (started.root / "main.go").write_text(MAIN)


def manifests(root: Path) -> dict[str, Manifests]:
    """go.mod and go.sum for each version. No go.mod of an earlier run has the same text: its layers would be there."""
    found = {}
    for version in VERSIONS:
        go(root, "get", f"{MODULE}@{version}")
        go(root, "mod", "tidy")
        mod = (root / "go.mod").read_text()
        found[version] = (f"{mod}\n// {time.time_ns()}\n", (root / "go.sum").read_text())
    return found


class Bumped(Struct, frozen=True):
    root: Path
    port: int

    def write(self, files: Manifests) -> None:
        mod, sums = files
        (self.root / "go.sum").write_text(sums)
        (self.root / "go.mod").write_text(mod)

    def turn(self, version: str, files: Manifests) -> tuple[float, float]:
        """ms from the save of another version until it is served, and until the new container serves it."""
        before = (body(self.port, timeout=1) or "").split()[-1]
        self.write(files)
        served = until_served(self.port, f"chi {version};")
        replaced = served + until_not_served(self.port, before)
        time.sleep(1)
        return served, replaced


def bumps(
    sides: tuple[Bumped, Bumped], files: dict[str, Manifests], versions: Sequence[str]
) -> list[list[tuple[float, float]]]:
    """Both sides in turn; who is first in a round has to download, so they change places."""
    times: list[list[tuple[float, float]]] = [[], []]
    for number, version in enumerate(versions):
        for index in (0, 1) if number % 2 else (1, 0):
            times[index].append(sides[index].turn(version, files[version]))
    return times


@contextmanager
def compose_watch(root: Path) -> Iterator[None]:
    compose = root / "compose.yaml"
    compose.write_text(compose.read_text().replace("    ports:\n", WATCH.lstrip("\n") + "    ports:\n", 1))
    watching = subprocess.Popen(
        ["docker", "compose", "up", "--watch", "--build"], cwd=root, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        watching.terminate()
        watching.wait(30)
        run("docker", "compose", "down", "--volumes", cwd=root)


def test_a_changed_go_mod(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    prepared(mine)
    prepared(other)
    files = manifests(mine.root)
    sides = (Bumped(mine.root, mine.port), Bumped(other.root, other.port))
    first, *rest = VERSIONS
    for side in sides:
        side.write(files[first])
    mine.devctl("up", "-d")
    against, command = "compose up --watch, action rebuild", "devctl up -d; write go.mod"
    with compose_watch(other.root):
        until_served(other.port, f"chi {first};", within=300)
        time.sleep(2)
        known = "one of the versions of the row above"
        for title, versions, note in (
            (TITLE, rest, "each a version that this machine has not built"),
            (f"{TITLE}, built before", [*rest[-2::-1], rest[-1]], known),
        ):
            ours, theirs = bumps(sides, files, versions)
            for what, which, aim in ((title, 0, AIM), (f"{title}, by its new container", 1, None)):
                mine_ms, their_ms = [it[which] for it in ours], [it[which] for it in theirs]
                keep(Row(what, mine_ms, their_ms, against, command, aim=aim, note=note))
