"""What the background watcher costs while nothing happens, with 5,000 source files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.harness import Row, keep
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
SECONDS = 20


def test_idle_watcher(project: Callable[..., Started]) -> None:
    mine = project()
    for number in range(5000):
        folder = mine.root / "internal" / f"p{number // 50}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}.go").write_text(f"package p{number // 50}\n\nconst C{number} = {number}\n")
    pid = mine.devctl("up", "-d").result["watcher"]["pid"]
    time.sleep(3)
    before = cpu_ms(pid)
    time.sleep(SECONDS)
    used = cpu_ms(pid) - before
    resident = resident_mb(pid)
    keep(
        Row(
            "idle watcher, CPU in 20 s", [used], [SECONDS * 1000 * 0.005], "0.5 % of a core", "devctl up -d", aim=1.0,
            note=f"{resident:.0f} MB resident",
        )
    )  # fmt: skip
    assert used < SECONDS * 1000 * 0.005 and resident < 60


def cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))
