"""`--drain`: SIGTERM under a small load; does it stop in time, and does it answer what it has begun?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.errors import ProjectError
from devctl.workflows.ready import Address, address, answers, wait_ready

IN_FLIGHT = 4
LOAD = 3.0
"""Seconds of load at most; only this machine's own address is asked."""
GRACE = 10
"""Seconds between SIGTERM and SIGKILL: the engine's own default."""
KILLED = 137


@dataclass(frozen=True, slots=True)
class Drained:
    stopped_ms: int
    exit_code: int
    lost_requests: int

    def as_json(self) -> dict[str, object]:
        return {
            "stopped_ms": self.stopped_ms,
            "exit_code": self.exit_code,
            "lost_requests": self.lost_requests,
        }


def drain(box: Toolbox, project: Project, service: Service, *, timeout: float) -> Drained:
    """Stop one service under load and start it again, whatever came of it."""
    container = box.engine.containers(project.name).of(service.name)
    if container is None:
        raise ProjectError(f"{service.name} is gone", code="container-gone", hint="devctl prod-preview")
    asked: list[tuple[float, bool]] = []
    over, where = threading.Event(), address(service, container)
    try:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            try:
                if where is not None:
                    for _ in range(IN_FLIGHT):
                        pool.submit(_load, box, where, over, asked)
                    box.clock.sleep(0.3)
                began = box.clock.monotonic()
                box.processes.run(["docker", "stop", "--time", str(GRACE), container.id])
                stopped = box.clock.monotonic()
            finally:
                over.set()
        ended = box.engine.containers(project.name).of(service.name)
    finally:
        box.processes.run(["docker", "start", container.id])
    wait_ready(box, project.name, service, timeout=timeout)
    code = ended.exit_code if ended is not None else KILLED
    return Drained(round((stopped - began) * 1000), code, lost(asked, began))


def lost(asked: list[tuple[float, bool]], stop: float) -> int:
    """Requests (when begun, answered well?) that had been accepted and got no good answer.

    One begun after the last that was answered found the door closed, as it should: a balancer asks another instance.
    """
    last_good = max((at for at, good in asked if good), default=stop)
    return sum(not good and at < max(stop, last_good) for at, good in asked)


def must_drain(service: Service, found: Drained) -> None:
    """Raise ProjectError `drain-failed` where a rolling update would lose requests or wait for the kill."""
    if found.exit_code == KILLED:
        what = f"{service.name} ignores SIGTERM: killed after {GRACE} s"
    elif found.lost_requests:
        what = f"{service.name} lost {found.lost_requests} requests when it was stopped"
    else:
        return
    raise ProjectError(
        f"{what}; production serves again",
        code="drain-failed",
        hint="signal.NotifyContext(ctx, syscall.SIGTERM), then http.Server.Shutdown; ENTRYPOINT in exec form",
    )


def _load(box: Toolbox, where: Address, over: threading.Event, asked: list[tuple[float, bool]]) -> None:
    end = box.clock.monotonic() + LOAD
    while not over.is_set() and (began := box.clock.monotonic()) < end:
        asked.append((began, answers(box, where, timeout=LOAD)))
        over.wait(0.01)
