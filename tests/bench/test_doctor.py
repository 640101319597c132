"""How long `devctl doctor` takes in a healthy project: every check, with one container for everything that is queried from
inside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.harness import Row, keep, ms, run
from tests.engine.cli import DEVCTL
from tests.engine.conftest import Started

pytestmark = [pytest.mark.engine, pytest.mark.bench]
ROUNDS = 7
AIM_MS = 3000.0


def test_doctor(project: Callable[..., Started]) -> None:
    shop = project()
    shop.devctl("doctor")
    times = [ms(lambda: run(*DEVCTL, "doctor", cwd=shop.root)) for _ in range(ROUNDS)]
    keep(Row("doctor, every check", times, [AIM_MS] * ROUNDS, "the aim, 3 s", "devctl doctor", aim=1.0))
