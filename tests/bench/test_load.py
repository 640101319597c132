"""Large projects: 100,000 files that are not Go, a compose file of 50 services, a go.mod of 1 MB."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from tests.bench.harness import Row, keep, ms, run
from tests.bench.test_idle import cpu_ms, resident_mb
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 7
SECONDS = 20
DEVCTL = (sys.executable, "-m", "devctl")
BESIDE = "    image: alpine:3.22\n    init: true\n    command: [sleep, '1000000']\n"


def many_files(root: Path) -> None:
    """What npm and a database leave in a project's folder."""
    for number in range(1000):
        folder = root / ("node_modules" if number < 900 else "data") / f"p{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            (folder / f"f{file}.js").write_bytes(b"1\n")


def many_services(root: Path) -> None:
    compose = root / "compose.yaml"
    services = "".join(f"  beside{number}:\n{BESIDE}" for number in range(49))
    compose.write_text(compose.read_text().replace("services:\n", f"services:\n{services}", 1))


def large_go_mod(root: Path) -> None:
    mod = root / "go.mod"
    lines = "".join(f"\texample.com/some/module/{number:05} v1.0.0\n" for number in range(27_000))
    mod.write_text(f"{mod.read_text()}\nexclude (\n{lines})\n")
    assert mod.stat().st_size > 1_000_000


LOADS = {"100,000 files": many_files, "50 services": many_services, "a go.mod of 1 MB": large_go_mod}


@pytest.mark.parametrize("load", LOADS)
def test_a_large_project(project: Callable[..., Started], load: str) -> None:
    mine = project()
    LOADS[load](mine.root)
    pid = mine.devctl("up", "-d", timeout=600).result["watcher"]["pid"]
    found = [ms(lambda: read(mine.root)) for _ in range(ROUNDS)]
    keep(Row(f"{load}: the source is read", found, [1000.0] * ROUNDS, "the aim, 1 s", "any command", aim=1.0))

    compose = ("docker", "compose", "-p", mine.name, "-f", mine.model(), "up", "-d")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(ms(lambda: run(*DEVCTL, "up", "-d", cwd=mine.root)))
        theirs.append(ms(lambda: run(*compose, cwd=mine.root)))
    keep(Row(f"{load}: up with nothing to do", ours, theirs, "docker compose up -d", "devctl up -d", aim=2.0))

    before = cpu_ms(pid)
    time.sleep(SECONDS)
    used, resident = cpu_ms(pid) - before, resident_mb(pid)
    keep(
        Row(
            f"{load}: idle watcher, CPU in {SECONDS} s", [used], [SECONDS * 10.0], "1 % of a core", "devctl up -d",
            aim=1.0, note=f"{resident:.0f} MB resident",
        )
    )  # fmt: skip
    assert max(found) < 1000 and used < SECONDS * 10 and resident < 100
