"""Wait until a service answers from the host, and stop waiting as soon as it visibly cannot."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devctl.domain.devlog import DevLog, Mark
from devctl.domain.events import Note
from devctl.domain.listening import Listener
from devctl.domain.observed import Container
from devctl.domain.ports import Toolbox
from devctl.domain.project import Service
from devctl.errors import ProjectError
from devctl.workflows.compiled import does_not_compile
from devctl.workflows.ended import exited, panicked, tail
from devctl.workflows.unreached import Unreached, listening_in, unreached, warn_of_unpublished

POLL = 0.01
"""Seconds between two requests while waiting; the probe is a local connect, so this costs little."""
LOOK = 0.5
"""Seconds between two looks at the container's state."""
FIRST_ASKED = 0.1
"""Seconds that the first request may take, doubled by each that took so long, up to LAST_ASKED. An engine accepts connections
before the container can have them: such a request hangs until TCP sends it again, after a second."""
LAST_ASKED = 2.0
STAYS_UP = 2.0
"""Seconds that a service without a port must stay up to count as ready."""
SWAP = 0.5
"""Seconds between the end of an old process and the start of its successor, and more."""
BUILD_TIMEOUT = 900.0
"""Seconds that a build in the container may take: with empty caches a large service compiles for minutes."""
LONG = 5.0
"""Seconds of a build in the container after which it is told."""
QUIET = 0.1
"""Seconds without another line until a failed build counts as the last one: a log is read from its start on."""
ASK_INSIDE = 2.0
"""Seconds between two looks at what listens inside the container, from the start of the program on."""
ASK_BESIDE = 3.0
"""The same where it takes a container of its own, doubled each time."""
TRACE = 3.0
"""Seconds after the first line of a panic until the process must have ended; its trace is in the log then."""

MEND = "mend the code and save: the container and the watcher stay, the next save is built"

Listening = Callable[[Container], Iterable[Listener]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the host reaches a service; `path` None for a bare TCP service."""

    host: str
    port: int
    path: str | None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def address(service: Service, container: Container) -> Address | None:
    bound = container.ports.get(service.port) if service.port is not None else None
    if bound is None or service.probe == "none":
        return None
    host = "127.0.0.1" if bound[0] in ("", "0.0.0.0", "::") else bound[0]
    return Address(host, bound[1], None if service.probe == "tcp" else service.probe)


def answers(box: Toolbox, where: Address, *, timeout: float = 1.0) -> bool:
    """Any HTTP answer is alive; a 5xx other than 501 is an answer too, but not a good one."""
    if where.path is None:
        return box.prober.tcp(where.host, where.port, timeout=timeout)
    status = box.prober.http(where.url + where.path, timeout=timeout)
    return status is not None and (status < 500 or status == 501)


@dataclass(slots=True)
class _Asking:
    box: Toolbox
    where: Address | None
    patience: float = FIRST_ASKED

    def answered(self) -> bool:
        if self.where is None:
            return False
        began = self.box.clock.monotonic()
        if answers(self.box, self.where, timeout=self.patience):
            return True
        if self.box.clock.monotonic() - began >= 0.9 * self.patience:  # it hung; a refusal comes at once
            self.patience = min(2 * self.patience, LAST_ASKED)
        return False


@dataclass(slots=True)
class _Heard:
    """What the log of a dev container said so far: `live` processes of the service, how the last one ended, since when;
    `failed`: the compiler's words where the last build did; `panic`: the first line of the first one."""

    at: float
    building: bool = False
    live: int = 0
    ended: int | None = None
    failed: str | None = None
    panic: str | None = None
    panicked_at: float = 0.0
    told: bool = False

    def hear(self, mark: Mark, now: float) -> None:
        self.at, self.building = now, mark.kind == "build.started"
        if mark.kind == "panic" and self.panic is None:
            self.panic, self.panicked_at = mark.message, now
        if mark.kind.startswith("build."):
            self.failed = mark.message if mark.kind == "build.failed" else None
        if mark.kind == "app.started":
            self.live += 1
        if mark.kind == "app.exited":
            self.live, self.ended = self.live - 1, int(mark.message)

    def compiles_long(self, now: float) -> bool:
        """Once, so that nobody takes a first build of minutes for a hang."""
        first = self.building and not self.told and now - self.at >= LONG
        self.told = self.told or first
        return first

    def over(self, now: float) -> bool:
        """The old process of a second build at the start ends too, and that may be told after the new one's start."""
        return self.ended is not None and self.live <= 0 and not self.building and now - self.at >= SWAP


@dataclass(slots=True)
class _Inside:
    """When to look what listens in the container."""

    beside: Listening | None
    at: float
    pauses: int = 0

    def is_due(self, now: float, *, runs: bool) -> bool:
        pause = ASK_INSIDE if self.beside is None else ASK_BESIDE * 2**self.pauses
        if not (runs or self.beside) or now - self.at < pause:
            return False
        self.at, self.pauses = now, self.pauses + 1
        return True


def wait_ready(
    box: Toolbox,
    project: str,
    service: Service,
    *,
    timeout: float,
    fresh: bool = False,
    beside: Listening | None = None,
) -> None:
    """Return when the service answers (or, without a port, stays up); raise ProjectError otherwise.

    `timeout` in seconds, without those that a build in the container takes (at most BUILD_TIMEOUT).
    `fresh`: its container was just made, so that any restart of it is a crash.
    `beside`: how to look what listens where the image itself has nothing to read with, and no log says when it runs.
    Fails early when the build visibly failed, the process exits or panics, or listens where nobody reaches it.
    """
    container = box.engine.containers(project).of(service.name)
    if container is None:
        raise _gone(service)
    where = address(service, container)
    marks: queue.SimpleQueue[Mark] = queue.SimpleQueue()
    log = DevLog()

    def on_line(stream: str, line: str) -> None:
        del stream
        mark = log.read(line)
        if mark is not None:
            marks.put(mark)

    follow = ["docker", "logs", "--follow", "--since", container.started_at, container.id]
    with box.processes.follow(follow, on_line=on_line):
        _wait(box, project, service, where=where, marks=marks, timeout=timeout, fresh=fresh, beside=beside)


def _wait(
    box: Toolbox,
    project: str,
    service: Service,
    *,
    where: Address | None,
    marks: queue.SimpleQueue[Mark],
    timeout: float,
    fresh: bool,
    beside: Listening | None,
) -> None:
    looked = box.clock.monotonic()
    heard, inside = _Heard(at=looked), _Inside(beside, at=looked)
    asking = _Asking(box, where)
    while True:
        now = box.clock.monotonic()
        if asking.answered():
            return
        while not marks.empty():
            heard.hear(marks.get(), now)
            inside.at = now
        if heard.compiles_long(now):
            box.reporter.emit(
                Note(f"  {service.name} compiles in its container: the first time takes longest")
            )
        if heard.failed is not None and now - heard.at >= QUIET:
            raise does_not_compile(service, heard.failed, hint=MEND)
        if heard.panic is not None and (heard.over(now) or now - heard.panicked_at >= TRACE):
            raise panicked(service, heard.panic, tail(box, box.engine.containers(project).of(service.name)))
        if heard.over(now):
            raise exited(box, project, service, _there(box, project, service), code=heard.ended or 0)
        if where is not None and inside.is_due(now, runs=heard.live > 0):
            _check_address(box, project, service, beside)
        if now - looked >= (LOOK if heard.panic is None else POLL):
            looked = now
            _check_state(box, project, service, fresh=fresh)
            if where is None and heard.panic is None and not heard.building and now - heard.at >= STAYS_UP:
                warn_of_unpublished(box, service, _there(box, project, service).id)
                return
        if now - heard.at >= (BUILD_TIMEOUT if heard.building else timeout):
            raise _never_answers(box, project, service, where, timeout)
        box.clock.sleep(POLL)


def _check_state(box: Toolbox, project: str, service: Service, *, fresh: bool) -> None:
    container = _there(box, project, service)
    # One that was just made and has restarts already: a restart policy has it up again for a moment.
    if container.state in ("exited", "dead", "restarting") or (fresh and container.restarts):
        raise exited(box, project, service, container)
    if container.health == "unhealthy":
        raise ProjectError(
            f"{service.name} is unhealthy: its own health check fails",
            code="unhealthy",
            hint=f"devctl logs {service.name}",
            detail=tail(box, container),
        )


def _there(box: Toolbox, project: str, service: Service) -> Container:
    container = box.engine.containers(project).of(service.name)
    if container is None:
        raise _gone(service)
    return container


def _check_address(box: Toolbox, project: str, service: Service, beside: Listening | None) -> None:
    """One that listens on the loopback of its container will not be reached, however long one waits."""
    cause = _cause(box, project, service, beside)
    if cause is not None and cause.code == "localhost-only":
        raise _unanswered(box, project, service, cause)


def _cause(box: Toolbox, project: str, service: Service, beside: Listening | None = None) -> Unreached | None:
    container = box.engine.containers(project).of(service.name)
    if container is None:
        return None
    return unreached(service, beside(container) if beside else listening_in(box, container.id))


def _unanswered(box: Toolbox, project: str, service: Service, cause: Unreached) -> ProjectError:
    return ProjectError(
        cause.message,
        code=cause.code,
        hint=cause.hint,
        place=service.origins.get("port"),
        detail=tail(box, box.engine.containers(project).of(service.name)),
    )


def _never_answers(
    box: Toolbox, project: str, service: Service, where: Address | None, timeout: float
) -> ProjectError:
    cause = _cause(box, project, service) if where is not None else None
    if cause is not None and cause.code == "localhost-only":
        return _unanswered(box, project, service, cause)
    asked = where.url + (where.path or "") if where is not None else "its port"
    message = f"{service.name} did not answer on {asked} within {timeout:g} s"
    hint = f"does it listen on 0.0.0.0:{service.port}? `devctl logs {service.name}`; devctl.yaml: services: "
    hint += f"{service.name}: port/probe say where to ask"
    return ProjectError(
        f"{message}: {cause.message}" if cause is not None else message,
        code="never-answers",
        hint=cause.hint if cause is not None else hint,
        place=service.origins.get("port"),
        detail=tail(box, box.engine.containers(project).of(service.name)),
    )


def _gone(service: Service) -> ProjectError:
    return ProjectError(
        f"the container of {service.name} is gone", code="container-gone", hint="devctl up starts it again"
    )
