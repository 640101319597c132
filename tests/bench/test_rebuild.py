"""go.mod saved → the new container serves: devctl against `docker compose up --watch` with a rebuild rule."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.harness import Row, keep, run, until_served
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
MODULE = "github.com/google/uuid"
VERSIONS = ("v1.5.0", "v1.6.0")
MAIN = """package main

import (
	"fmt"
	"net/http"
	"runtime/debug"

	_ "github.com/google/uuid"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		info, _ := debug.ReadBuildInfo()
		for _, dep := range info.Deps {
			fmt.Fprintln(w, "uuid", dep.Version)
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


def prepared(started: Started) -> dict[str, tuple[str, str]]:
    """The project with MAIN, and go.mod with go.sum for each version."""
    for path in {*started.root.rglob("*_test.go"), *(started.root / "internal").rglob("*.go")}:
        path.unlink()
    (started.root / "main.go").write_text(MAIN)
    found = {}
    for version in VERSIONS:
        go = [
            "docker",
            "run",
            "--rm",
            "--volume",
            f"{started.root}:/app",
            "--workdir",
            "/app",
            "golang:1.26-alpine",
            "go",
        ]
        run(*go, "get", f"{MODULE}@{version}")
        run(*go, "mod", "tidy")
        found[version] = ((started.root / "go.mod").read_text(), (started.root / "go.sum").read_text())
    return found


def turns(root: Path, port: int, files: dict[str, tuple[str, str]]) -> list[float]:
    """Write go.sum and go.mod of the other version by turns; ms until it is served. The first turn is not counted."""
    times = []
    for number in range(ROUNDS + 1):
        version = VERSIONS[number % 2]
        mod, sums = files[version]
        (root / "go.sum").write_text(sums)
        (root / "go.mod").write_text(mod)
        times.append(until_served(port, f"uuid {version}"))
        time.sleep(1)
    return times[1:]


def test_a_changed_go_mod(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    files, same = prepared(mine), prepared(other)
    mine.devctl("up", "-d")
    ours = turns(mine.root, mine.port, files)
    compose = other.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("    ports:\n", WATCH.lstrip("\n") + "    ports:\n", 1))
    watching = subprocess.Popen(
        ["docker", "compose", "up", "--watch", "--build"], cwd=other.root, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until_served(other.port, "uuid", within=180)
        theirs = turns(other.root, other.port, same)
    finally:
        watching.terminate()
        watching.wait(30)
        run("docker", "compose", "down", "--volumes", cwd=other.root)
    keep(
        Row(
            "go.mod saved → served",
            ours,
            theirs,
            "compose up --watch, action rebuild",
            "devctl up -d; write go.mod",
            aim=0.6,
        )
    )
    assert ours
