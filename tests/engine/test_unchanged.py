"""`up` with nothing to do, on the real engine: whatever reading the project depends on sends it the long way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine import forked
from tests.engine.cli import docker, get
from tests.engine.conftest import Started
from tests.engine.killing_docker import KillingDocker

pytestmark = pytest.mark.engine
UP = ("up", "-d", "--no-watch")
MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Args[1:], os.Getenv("WORD"), os.Getenv("LEVEL"))
	})
	_ = http.ListenAndServe(":8080", nil)
}
"""
FILES = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": MAIN,
    "Dockerfile": 'FROM golang:1.26-alpine\nWORKDIR /src\nCMD ["./run.sh"]\n',
    "run.sh": "#!/bin/sh\nexec go run . one\n",
    "web.env": "LEVEL=low\n",
    "compose.yaml": "services:\n  app:\n    build: .\n    volumes: ['.:/src']\n    environment: [WORD]\n    env_file: web.env\n"
    "    ports: ['127.0.0.1:HOST_PORT:8080']\n",
}


def test_what_up_depends_on_is_seen_without_a_watcher(
    project: Callable[..., Started], tmp_path: Path
) -> None:
    made = project(FILES)
    (made.root / "run.sh").chmod(0o755)
    asking = KillingDocker.made(tmp_path / "docker", made.root)
    first = made.devctl(*UP)
    assert get(made.port) == "[one]low", first.show
    short = _settled(asking)

    def up(**environment: str) -> None:
        done = forked.run(UP, cwd=made.root, env={**os.environ, **environment})
        assert done.returncode == 0, done.stderr

    up(WORD="of-the-shell")
    assert get(made.port) == "[one]of-the-shelllow"
    up()
    assert get(made.port) == "[one]low"
    assert _settled(asking) == short

    made.write({"web.env": "LEVEL=high\n"})
    up()
    assert get(made.port) == "[one]high"
    assert _settled(asking) == short

    made.write({"run.sh": "#!/bin/sh\nexec go run . two\n"})
    up()
    assert get(made.port) == "[two]high"
    assert _settled(asking) == short

    before = _container(made)
    made.write({"go.work": "go 1.26\nuse .\n"})
    up()
    assert _container(made) != before, "a workspace is another deps layer"
    assert _settled(asking) == short


def _settled(asking: KillingDocker) -> int:
    """How often an `up` with nothing to do calls docker, after one that may have seen what the first start has written."""
    asking.calls(*UP)
    return asking.calls(*UP)


def _container(made: Started) -> str:
    return docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={made.name}")
