"""`--drain`: SIGTERM under a small load; does it stop in time, and does it answer what it has started?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from msgspec import Struct

from devctl.domain.command.argv import docker
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.host import Clock
from devctl.domain.ports.http import Answer
from devctl.domain.ports.toolbox import Processes, Toolbox
from devctl.domain.project.model import Project, Service
from devctl.errors import ProjectError
from devctl.workflows.ready.wait import address, wait_ready

IN_FLIGHT = 4
"""Clients that send one request after another."""
HELD = 2
"""Clients whose request ends only after SIGTERM."""
FENCE = 1.0
"""Seconds for one more request, whose answer shows that those before it were accepted."""
WARM_UP = 0.3
"""Seconds of load before SIGTERM."""
PATIENCE = 8.0
"""Seconds until a request counts as never answered; only this machine's own address is used."""
GRACE = 10
"""Seconds between SIGTERM and SIGKILL: the engine's own default."""
KILLED = 137
HINT = "signal.NotifyContext(ctx, syscall.SIGTERM), then http.Server.Shutdown; ENTRYPOINT in exec form"


class Drained(Struct, frozen=True):
    """How one service stopped."""

    service: str
    stopped_ms: int
    exit_code: int
    lost_requests: int

    def as_json(self) -> dict[str, object]:
        return {
            "stopped_ms": self.stopped_ms,
            "exit_code": self.exit_code,
            "lost_requests": self.lost_requests,
        }


class Sent(Struct, frozen=True):
    """One request: when it began, and the answer (None: nothing)."""

    began: float
    answer: Answer | None


def drain(box: Toolbox, project: Project, service: Service, *, timeout: float) -> Drained:
    """Stop one service under load and start it again; if that fails, the caller has it started (`stopping`)."""
    container = box.engine.containers(project.name).of(service.name)
    if container is None:
        raise ProjectError(f"{service.name} is gone", code="container-gone", hint="devctl prod-preview")
    where = address(service, container)
    url = f"{where.url}{where.path}" if where is not None and where.path is not None else None
    began, stopped, sent = _stop_under_load(box, container, url)
    ended = box.engine.containers(project.name).of(service.name)
    box.processes.run(docker("start", to=[container.id]))
    wait_ready(box, project.name, service, timeout=timeout)
    code = ended.exit_code if ended is not None else KILLED
    return Drained(service.name, round((stopped - began) * 1000), code, lost(sent, began))


def _stop_under_load(box: Toolbox, container: Container, url: str | None) -> tuple[float, float, list[Sent]]:
    """When it was told to stop, when it had stopped, and every request."""
    over, told, sent = threading.Event(), threading.Event(), list[Sent]()
    with ThreadPoolExecutor(IN_FLIGHT + HELD) as pool, _told(box.processes, box.clock, container, told):
        try:
            for _ in range(IN_FLIGHT if url else 0):
                pool.submit(_load, box, url or "", over, sent)
            box.clock.sleep(WARM_UP if url else 0)
            if url:
                _hold(box, url, pool, told, sent)
            began = box.clock.monotonic()
            box.processes.run(docker("stop", "--time", str(GRACE), to=[container.id]))
            stopped = box.clock.monotonic()
        finally:
            over.set()
            told.set()
    return began, stopped, sent


def _told(
    processes: Processes, clock: Clock, container: Container, told: threading.Event
) -> AbstractContextManager[Callable[[], bool]]:
    """`told` is set when the engine has sent the service its signal."""
    wanted = ["--filter", f"container={container.id}", "--filter", "event=kill"]
    argv = docker("events", "--since", str(clock.now()), *wanted, "--format", "{{.Action}}")
    return processes.follow(argv, on_line=lambda stream, line: told.set())


def _hold(box: Toolbox, url: str, pool: ThreadPoolExecutor, told: threading.Event, sent: list[Sent]) -> None:
    """Requests whose last bytes come after SIGTERM: a service that answers instantly has some in flight too."""
    began, ready = box.clock.monotonic(), threading.Semaphore(0)

    def midway() -> None:
        ready.release()
        told.wait()  # set at the latest when `docker stop` has returned, or was never started

    def ask() -> None:
        try:
            sent.append(Sent(began, box.prober.fetch(url, timeout=PATIENCE, midway=midway)))
        finally:
            ready.release()

    for _ in range(HELD):
        pool.submit(ask)
    for _ in range(HELD):
        ready.acquire(timeout=PATIENCE)
    box.prober.fetch(url, timeout=FENCE)  # connections are accepted in order: those above have been


def _load(box: Toolbox, url: str, over: threading.Event, sent: list[Sent]) -> None:
    while not over.is_set():
        began = box.clock.monotonic()
        sent.append(Sent(began, box.prober.fetch(url, timeout=PATIENCE)))
        over.wait(0.01)


def lost(sent: Sequence[Sent], stop: float) -> int:
    """Requests that the service had accepted and did not answer to the end.

    Accepted is what began before SIGTERM, or before another request that was answered: connections are accepted in order.
    Later ones were rightly refused: a load balancer tries another instance. An answer that was cut off is lost whenever it
    began.
    """
    open_until = max((it.began for it in sent if it.answer is not None), default=stop)
    return sum(_broken(it.answer) if it.answer else it.began < max(stop, open_until) for it in sent)


def _broken(answer: Answer) -> bool:
    return not answer.complete or answer.length is None


def must_drain(found: Sequence[Drained], result: dict[str, object]) -> None:
    """Raise ProjectError `drain-failed` if a rolling update would lose requests or wait for the kill."""
    bad = [_bad(it) for it in found if it.exit_code == KILLED or it.lost_requests]
    if bad:
        message = f"{'; '.join(bad)}; production is serving again"
        raise ProjectError(message, code="drain-failed", hint=HINT, result=result)


def _bad(it: Drained) -> str:
    if it.exit_code == KILLED:
        return f"{it.service} ignores SIGTERM: killed after {GRACE} s"
    many = f"{it.lost_requests} request{'' if it.lost_requests == 1 else 's'}"
    return f"{it.service} lost {many} when it was stopped"


def as_json(found: Sequence[Drained]) -> dict[str, object]:
    """`drain` of the result: for several services the slowest, the worst code and the sum of the losses; each in `services`."""
    return {
        "stopped_ms": max(it.stopped_ms for it in found),
        "exit_code": max(it.exit_code for it in found),
        "lost_requests": sum(it.lost_requests for it in found),
        "services": [{"name": it.service, **it.as_json()} for it in found],
    }
