"""dev → prod with both images built, against a bare recreate by compose; and `up` with nothing to do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.bench.harness import Row, keep, ms, polled, run, until_served
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 15
DEVCTL = (sys.executable, "-m", "devctl")


def test_dev_to_prod(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d", "--no-watch")
    mine.devctl("prod-preview")
    model = mine.model("prod")
    whole, switch, gaps, gaps_told, theirs = [], [], [], [], []
    for _ in range(ROUNDS):
        mine.devctl("up", "-d", "--no-watch")
        with polled(mine.port) as seen:
            began = time.perf_counter()
            told = run(*DEVCTL, "--json", "prod-preview", cwd=mine.root)
            whole.append((time.perf_counter() - began) * 1000)  # the start of the process included
        result = json.loads(told.splitlines()[-1])["result"]
        switch.append(float(result["switch_ms"]))
        gaps_told.append(float(result["gap_ms"]))
        gaps.append(seen.longest_ms)
        recreate = (
            "docker",
            "compose",
            "-p",
            mine.name,
            "-f",
            model,
            "up",
            "-d",
            "--force-recreate",
        )

        def bare(argv: tuple[str, ...] = recreate) -> None:
            run(*argv, cwd=mine.root)
            until_served(mine.port, "Hello")

        theirs.append(ms(bare))
    against = "docker compose up -d --force-recreate, to the first answer"
    keep(Row("dev → prod, switch_ms", switch, theirs, against, "devctl prod-preview", aim=1.3))
    keep(Row("dev → prod, the whole command", whole, theirs, against, "devctl prod-preview", aim=1.8))
    keep(
        Row(
            "dev → prod, the gap a client sees", gaps, gaps_told, "gap_ms as devctl told it", "devctl prod-preview",
            note="aim: at most 350 ms",
        )
    )  # fmt: skip
    assert whole


def test_up_with_nothing_to_do(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    ours, theirs = [], []
    compose = ("docker", "compose", "-p", mine.name, "-f", mine.model(), "up", "-d")
    for _ in range(ROUNDS):
        ours.append(ms(lambda: run(*DEVCTL, "up", "-d", cwd=mine.root)))
        theirs.append(ms(lambda: run(*compose, cwd=mine.root)))
    keep(Row("up with nothing to do", ours, theirs, "docker compose up -d", "devctl up -d", aim=2.0))
    assert ours


def first_answer(argv: Sequence[str], *, root: Path, port: int) -> float:
    """ms from the start of the command until the service answers; the command itself may take longer."""
    began = time.perf_counter()
    command = subprocess.Popen(argv, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_served(port, "Hello")
    took = (time.perf_counter() - began) * 1000
    assert command.wait(60) == 0
    return took


def test_fresh_container_to_first_answer(project: Callable[..., Started]) -> None:
    mine = project()
    mine.devctl("up", "-d")
    ours, theirs = [], []
    compose = ("docker", "compose", "-p", mine.name, "-f", mine.model())
    for _ in range(ROUNDS):
        mine.devctl("down")
        ours.append(first_answer([*DEVCTL, "up", "-d"], root=mine.root, port=mine.port))
        mine.devctl("down")
        theirs.append(first_answer([*compose, "up", "-d"], root=mine.root, port=mine.port))
        run(*compose, "down", cwd=mine.root)
    against = "docker compose up -d, to the first answer"
    keep(Row("fresh container → first answer", ours, theirs, against, "devctl up -d", aim=1.5))
