"""A service that was killed: for its memory or not, whenever the engine tells of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.observed import Container, LastRun
from devctl.domain.project import Service
from devctl.workflows.ended import TOLD_LATE, exited

KILLED = Container("c1", "shop-api-1", "api", "exited", "none", 137, "shop-api:dev", "sha256:1")


class Engine:
    """Tells of the OOM kill `late` seconds after the end; None: never."""

    def __init__(self, late: float | None) -> None:
        self.now, self.late = 0.0, late

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def logs(self, container: str, *, tail: int) -> str:
        return ""

    def last_run(self, container: str, *, tail: int) -> LastRun:
        return LastRun(137, "", self.late is not None and self.now >= self.late)


@pytest.mark.parametrize(
    ("late", "code"), [(0.0, "out-of-memory"), (TOLD_LATE - 0.1, "out-of-memory"), (None, "exits-at-start")]
)
def test_an_oom_kill_may_be_told_after_the_end(late: float | None, code: str) -> None:
    engine = Engine(late)
    box = cast("Any", SimpleNamespace(engine=engine, clock=engine))
    assert exited(box, "shop", Service("api"), KILLED).code == code
    assert engine.now <= TOLD_LATE + 0.1
