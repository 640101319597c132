"""Ten services of one module: `up` with nothing to do, and a changed line in one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.bench.harness import Row, keep, ms, run, until_served
from tests.engine.conftest import Started
from tests.ports import free_port

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 7
DEVCTL = (sys.executable, "-m", "devctl")
MAIN = """package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello from NAME") })
	_ = http.ListenAndServe(":8080", nil)
}
"""
NAMES = [f"s{number}" for number in range(10)]


def test_ten_services(project: Callable[..., Started]) -> None:
    ports = {name: free_port() for name in NAMES}
    files = {"go.mod": "module example.com/many\n\ngo 1.26\n"}
    files |= {f"cmd/{name}/main.go": MAIN.replace("NAME", name) for name in NAMES}
    services = [f"  {n}:\n    build: .\n    ports: ['127.0.0.1:{ports[n]}:8080']\n" for n in NAMES]
    files["compose.yaml"] = "services:\n" + "".join(services)
    files["devctl.yaml"] = "services:\n" + "".join(f"  {n}:\n    main: ./cmd/{n}\n" for n in NAMES)
    mine = project(files)
    first = ms(lambda: mine.devctl("up", "-d", timeout=600))
    for name in NAMES:
        until_served(ports[name], f"Hello from {name}")
    compose = ("docker", "compose", "-p", mine.name, "-f", mine.model(), "up", "-d")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(ms(lambda: run(*DEVCTL, "up", "-d", cwd=mine.root)))
        theirs.append(ms(lambda: run(*compose, cwd=mine.root)))
    keep(
        Row(
            "up with nothing to do, ten services", ours, theirs, "docker compose up -d", "devctl up -d", aim=1.5,
            note=f"the first `up` of all ten took {first / 1000:.1f} s",
        )
    )  # fmt: skip
    source = mine.root / "cmd/s3/main.go"
    source.write_text(source.read_text().replace("Hello from s3", "changed"))
    until_served(ports["s3"], "changed")
