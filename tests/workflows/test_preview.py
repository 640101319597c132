"""What counts as a request lost while a service is stopped, and what then fails the preview."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.ports.http import Answer
from devctl.domain.ports.toolbox import Finished
from devctl.errors import ProjectError
from devctl.workflows.preview import drain
from devctl.workflows.preview.drain import HELD, Drained, Sent, as_json, lost, must_drain
from tests.fakes import FakeProcesses, World

GOOD, CUT, STREAM = Answer(200, length=5), Answer(200, length=3, complete=False), Answer(200)


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        ([], 0),
        ([Sent(0.1, GOOD), Sent(0.9, GOOD), Sent(1.2, None)], 0),
        ([Sent(0.1, GOOD), Sent(0.9, None)], 1),
        ([Sent(1.1, None), Sent(1.2, GOOD), Sent(1.3, None)], 1),
        ([Sent(1.1, CUT), Sent(1.2, STREAM), Sent(1.3, None)], 2),
        ([Sent(0.5, None), Sent(0.6, None)], 2),
    ],
)
def test_only_requests_that_were_accepted_count_as_lost(sent: list[Sent], count: int) -> None:
    assert lost(sent, 1.0) == count


def test_a_clean_stop_passes() -> None:
    must_drain([Drained("api", 30, 0, 0), Drained("web", 30, 2, 0)], {})


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            Drained("api", 10010, 137, 0),
            "api ignores SIGTERM: killed after 10 s; web lost 1 request when it was stopped; production is serving again",
        ),
        (
            Drained("api", 30, 2, 3),
            "api lost 3 requests when it was stopped; web lost 1 request when it was stopped; production is serving again",
        ),
    ],
)
def test_every_service_that_a_rolling_update_would_hurt_is_named(found: Drained, says: str) -> None:
    with pytest.raises(ProjectError) as failed:
        must_drain([found, Drained("worker", 20, 0, 0), Drained("web", 30, 0, 1)], {})
    assert (failed.value.code, str(failed.value)) == ("drain-failed", says)


def test_the_result_of_several_is_the_worst_and_each() -> None:
    found = as_json([Drained("api", 30, 0, 1), Drained("web", 900, 2, 4)])
    assert (found["stopped_ms"], found["exit_code"], found["lost_requests"]) == (900, 2, 5)
    assert found["services"] == [
        {"name": "api", "stopped_ms": 30, "exit_code": 0, "lost_requests": 1},
        {"name": "web", "stopped_ms": 900, "exit_code": 2, "lost_requests": 4},
    ]


@pytest.mark.parametrize(
    "signalled", [True, False], ids=["the engine reports the signal", "it reports nothing"]
)
def test_held_requests_wait_for_the_stop_however_late_it_comes(
    monkeypatch: pytest.MonkeyPatch, signalled: bool
) -> None:
    monkeypatch.setattr(drain, "PATIENCE", 0.05)
    order, released = list[str](), threading.Semaphore(0)
    world = World()

    class Processes(FakeProcesses):
        def follow(self, argv: Any, *, on_line: Callable[[str, str], None], together: bool = False) -> Any:
            self.tell = on_line
            return super().follow(argv, on_line=on_line, together=together)

        def run(self, argv: Any, **how: Any) -> Finished:
            order.append("stop")
            if signalled:
                self.tell("stdout", "kill\n")
                for _ in range(HELD):
                    released.acquire()
            return Finished(0, "", "")

    def fetch(url: str, *, timeout: float, midway: Callable[[], object] | None = None) -> Answer | None:
        if midway is not None:
            midway()
            order.append("released")
            released.release()
        elif timeout == drain.FENCE:  # as on a machine that is slow to begin the stop
            for _ in range(HELD):
                if released.acquire(timeout=0.2):
                    released.release()
        return GOOD

    box = SimpleNamespace(
        processes=Processes(world), clock=world.box().clock, prober=SimpleNamespace(fetch=fetch)
    )
    drain._stop_under_load(cast("Any", box), cast("Any", SimpleNamespace(id="c1")), "http://x/")
    assert order == ["stop", *["released"] * HELD]
