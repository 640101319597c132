"""go.mod saved → the new container serves: devctl against `docker compose up --watch` with a rebuild rule."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.harness import Row, go, keep, run, until_served
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
        go(started.root, "get", f"{MODULE}@{version}")
        go(started.root, "mod", "tidy")
        found[version] = ((started.root / "go.mod").read_text(), (started.root / "go.sum").read_text())
    return found


def turn(root: Path, port: int, version: str, files: tuple[str, str]) -> float:
    """Write go.sum and go.mod of another version; ms until it is served."""
    mod, sums = files
    (root / "go.sum").write_text(sums)
    (root / "go.mod").write_text(mod)
    return until_served(port, f"uuid {version}")


def test_a_changed_go_mod(project: Callable[..., Started]) -> None:
    mine, other = project(), project()
    files, same = prepared(mine), prepared(other)
    mine.devctl("up", "-d")
    compose = other.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("    ports:\n", WATCH.lstrip("\n") + "    ports:\n", 1))
    watching = subprocess.Popen(
        ["docker", "compose", "up", "--watch", "--build"], cwd=other.root, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    ours, theirs = [], []
    try:
        until_served(other.port, "uuid", within=180)
        for number in range(ROUNDS + 2):  # the first build of each version is not counted
            version = VERSIONS[number % 2]
            ours.append(turn(mine.root, mine.port, version, files[version]))
            time.sleep(1)
            theirs.append(turn(other.root, other.port, version, same[version]))
            time.sleep(1)
    finally:
        watching.terminate()
        watching.wait(30)
        run("docker", "compose", "down", "--volumes", cwd=other.root)
    against = "compose up --watch, action rebuild"
    keep(Row("go.mod saved → served", ours[2:], theirs[2:], against, "devctl up -d; write go.mod", aim=0.6))
