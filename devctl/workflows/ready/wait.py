"""Wait until a service answers from the host, and stop waiting as soon as it visibly cannot."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devctl.domain.command.argv import docker, shell_words
from devctl.domain.command.events import Remark
from devctl.domain.failures.dev_log import DevLog, Mark
from devctl.domain.failures.listeners import Listener
from devctl.domain.plan.engine_state import MODE_LABEL, Container
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.http import Prober
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.log_lines import LOG_MARK
from devctl.domain.project.model import Service
from devctl.domain.project.redact import redact
from devctl.errors import ProjectError
from devctl.workflows.engine.compile_error import does_not_compile, mend
from devctl.workflows.ready.exited import exited, panicked, tail
from devctl.workflows.ready.silent_ports import warn_of_silent_ports
from devctl.workflows.ready.unreachable import Unreached, listening_in, unreached, warn_of_unpublished

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
COMPILE_TIMEOUT = 900.0
"""Seconds that a build in the container may take: with empty caches a large service compiles for minutes."""
LONG = 5.0
"""Seconds of a build in the container after which it is told."""
QUIET = 0.1
"""Seconds without another line until a failed build counts as the last one: a log is read from its start on."""
ASK_INSIDE = 2.0
"""Seconds between two looks at what listens inside the container, from the start of the program on."""
ASK_BESIDE = 2.0
"""The same where it takes a container of its own, doubled from the third time on."""
TRACE = 3.0
"""Seconds after the first line of a panic until the process must have ended; its trace is in the log then."""

Listening = Callable[[Container], Iterable[Listener]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the host reaches a service; `path` None for a bare TCP service."""

    host: str
    port: int
    path: str | None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def address(service: Service, container: Container) -> Endpoint | None:
    port = service.port_in(container.labels.get(MODE_LABEL))
    bound = container.ports.get(port) if port is not None else None
    if bound is None or service.serve.probe == "none":
        return None
    host = "127.0.0.1" if bound[0] in ("", "0.0.0.0", "::") else bound[0]
    return Endpoint(host, bound[1], None if service.serve.probe == "tcp" else service.serve.probe)


def answers(prober: Prober, where: Endpoint, *, timeout: float = 1.0) -> bool:
    """Any HTTP answer is alive; a 5xx other than 501 is an answer too, but not a good one."""
    if where.path is None:
        return prober.tcp(where.host, where.port, timeout=timeout)
    status = prober.http(where.url + where.path, timeout=timeout)
    return status is not None and (status < 500 or status == 501)


@dataclass(slots=True)
class _Asking:
    box: Toolbox
    where: Endpoint | None
    patience: float = FIRST_ASKED

    def answered(self) -> bool:
        if self.where is None:
            return False
        began = self.box.clock.monotonic()
        if answers(self.box.prober, self.where, timeout=self.patience):
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
        self.at, self.building = now, mark.kind in ("build.started", "helper.building")
        if mark.kind == "panic" and self.panic is None:
            self.panic, self.panicked_at = mark.message, now
        if mark.kind.startswith("build."):
            self.failed = mark.message if mark.kind == "build.failed" else None
        if mark.kind == "app.started":
            self.live += 1
        if mark.kind == "app.replaced":
            self.live = max(1, self.live)
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
    """When to look what listens in the container. `served`: as of `wait_ready`; `elsewhere`: what the last look found instead."""

    beside: Listening | None
    served: frozenset[int]
    at: float
    pauses: int = 0
    elsewhere: Unreached | None = None

    def is_due(self, now: float, *, runs: bool) -> bool:
        pause = ASK_INSIDE if self.beside is None else ASK_BESIDE * 2 ** max(0, self.pauses - 1)
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
    served: frozenset[int] = frozenset(),
) -> None:
    """Return when the service answers (or, without a port, stays up); raise ProjectError otherwise.

    `timeout` in seconds, without those that a build in the container takes (at most COMPILE_TIMEOUT).
    Returns too when it exits with 0 and is a job. `fresh`: its container was just made, so that any restart of it is a crash.
    `beside`: how to look what listens where the image itself has nothing to read with, and no log says when it runs.
    `served`: the ports that its predecessor listened on when it served. Who listens on another one instead does not come to
    the one that is asked; a helper's port that was open then too may be only the first of several.
    Fails early when the build visibly failed, the process exits or panics, or listens where nobody reaches it.
    """
    container = box.engine.containers(project).of(service.name)
    if container is None:
        raise _gone(service)
    where = address(service, container)
    marks: queue.SimpleQueue[Mark] = queue.SimpleQueue()
    log = DevLog(container.env.get(LOG_MARK, ""))

    def on_line(stream: str, line: str) -> None:
        for said in log.hear(stream, line):
            if isinstance(said, Mark):
                marks.put(said)

    follow = docker("logs", "--follow", "--since", container.started_at, to=[container.id])
    with box.processes.follow(follow, on_line=on_line):
        inside = _Inside(beside, served, at=box.clock.monotonic())
        _wait(box, project, service, where=where, marks=marks, timeout=timeout, fresh=fresh, inside=inside)


def _wait(
    box: Toolbox,
    project: str,
    service: Service,
    *,
    where: Endpoint | None,
    marks: queue.SimpleQueue[Mark],
    timeout: float,
    fresh: bool,
    inside: _Inside,
) -> None:
    looked = box.clock.monotonic()
    heard = _Heard(at=looked)
    asking = _Asking(box, where)
    while True:
        now = box.clock.monotonic()
        if asking.answered():
            _look_at_other_ports(box, project, service, inside.beside)
            return
        while not marks.empty():
            heard.hear(marks.get(), now)
            inside.at = now
        if heard.compiles_long(now):
            box.reporter.emit(
                Remark(f"  {service.name} compiles in its container: the first time takes longest")
            )
        if heard.failed is not None and now - heard.at >= QUIET:
            raise does_not_compile(service, heard.failed, hint=mend(service, heard.failed))
        if _program_ended(box, project, service, heard, now):
            return
        if where is not None and inside.is_due(now, runs=heard.live > 0):
            _check_address(box.engine, project, service, inside)
        if now - looked >= (LOOK if heard.panic is None else POLL):
            looked = now
            if _check_state(box, project, service, fresh=fresh):
                return
            if where is None and heard.panic is None and not heard.building and now - heard.at >= STAYS_UP:
                warn_of_unpublished(box, service, _there(box.engine, project, service).id)
                return
        if box.processes.hurried():
            raise ProjectError(
                f"{service.name} has not answered yet, and was not waited for any longer",
                code="interrupted",
                hint="devctl status shows whether it does",
            )
        if now - heard.at >= (COMPILE_TIMEOUT if heard.building else timeout):
            raise _never_answers(box.engine, project, service, where, timeout)
        box.clock.sleep(POLL)


def _look_at_other_ports(box: Toolbox, project: str, service: Service, beside: Listening | None) -> None:
    container = box.engine.containers(project).of(service.name)
    if container is not None:
        warn_of_silent_ports(box, service, container, beside or (lambda it: listening_in(box.engine, it.id)))


def _is_done(reporter: Reporter, service: Service, code: int | None) -> bool:
    """A job ran to its end. That is told: somebody may have expected a server."""
    if code != 0 or not service.may_finish:
        return False
    why = (
        "nothing in it listens"
        if service.serve.port is None
        else f"it is told `{redact(shell_words(service.start.args))}`"
    )
    reporter.emit(Remark(f"  {service.name} has finished (exit 0): {why}, so it is a job"))
    return True


def _program_ended(box: Toolbox, project: str, service: Service, heard: _Heard, now: float) -> bool:
    """Whether the program in a dev container ended as a job does; raises where it ended otherwise."""
    if heard.panic is not None and (heard.over(now) or now - heard.panicked_at >= TRACE):
        raise panicked(
            service, heard.panic, tail(box.engine, box.engine.containers(project).of(service.name))
        )
    if not heard.over(now):
        return False
    if _is_done(box.reporter, service, heard.ended):
        return True
    raise exited(box, project, service, _there(box.engine, project, service), code=heard.ended or 0)


def _check_state(box: Toolbox, project: str, service: Service, *, fresh: bool) -> bool:
    """Whether the container ended as a job does; raises where it ended otherwise."""
    container = _there(box.engine, project, service)
    if container.state == "exited" and _is_done(box.reporter, service, container.exit_code):
        return True
    # One that was just made and has restarts already: a restart policy has it up again for a moment.
    if container.state in ("exited", "dead", "restarting") or (fresh and container.restarts):
        raise exited(box, project, service, container)
    if container.health == "unhealthy":
        raise ProjectError(
            f"{service.name} is unhealthy: its own health check fails",
            code="unhealthy",
            hint=f"devctl logs {service.name}",
            detail=tail(box.engine, container),
        )
    return False


def _there(engine: Engine, project: str, service: Service) -> Container:
    container = engine.containers(project).of(service.name)
    if container is None:
        raise _gone(service)
    return container


def _check_address(engine: Engine, project: str, service: Service, inside: _Inside) -> None:
    """One that listens on the loopback of its container will not be reached, however long one waits; nor will one that twice in
    a row listens on a port of its own choice instead."""
    cause = _cause(engine, project, service, inside.beside)
    before, inside.elsewhere = inside.elsewhere, None
    if cause is not None and cause.code == "other-port" and not inside.served.issuperset(cause.ports):
        inside.elsewhere = cause if service.serve.port in inside.served else None
    if cause is not None and (cause.code == "localhost-only" or before == inside.elsewhere == cause):
        raise _unanswered(engine, project, service, cause)


def _cause(
    engine: Engine, project: str, service: Service, beside: Listening | None = None
) -> Unreached | None:
    container = engine.containers(project).of(service.name)
    if container is None:
        return None
    return unreached(service, beside(container) if beside else listening_in(engine, container.id))


def _unanswered(engine: Engine, project: str, service: Service, cause: Unreached) -> ProjectError:
    return ProjectError(
        cause.message,
        code=cause.code,
        hint=cause.hint,
        place=service.origins.get("port"),
        detail=tail(engine, engine.containers(project).of(service.name)),
    )


def _never_answers(
    engine: Engine, project: str, service: Service, where: Endpoint | None, timeout: float
) -> ProjectError:
    cause = _cause(engine, project, service) if where is not None else None
    if cause is not None and cause.code == "localhost-only":
        return _unanswered(engine, project, service, cause)
    asked = where.url + (where.path or "") if where is not None else "its port"
    message = f"{service.name} did not answer on {asked} within {timeout:g} s"
    hint = f"does it listen on 0.0.0.0:{service.serve.port}? `devctl logs {service.name}`; "
    hint += f"devctl.yaml: `services: {{{service.name}: {{port: {service.serve.port}, probe: /}}}}` says where to ask"
    return ProjectError(
        f"{message}: {cause.message}" if cause is not None else message,
        code="never-answers",
        hint=cause.hint if cause is not None else hint,
        place=service.origins.get("port"),
        detail=tail(engine, engine.containers(project).of(service.name)),
    )


def served_ports(
    engine: Engine, service: Service, container: Container | None, *, beside: Listening | None = None
) -> frozenset[int]:
    """What `wait_ready` compares a successor with: where a container that serves listens; nothing where it does not run."""
    if container is None or container.state != "running" or service.serve.port is None:
        return frozenset()
    found = beside(container) if beside is not None else listening_in(engine, container.id)
    return frozenset(it.port for it in found)


def _gone(service: Service) -> ProjectError:
    return ProjectError(
        f"the container of {service.name} is gone", code="container-gone", hint="devctl up starts it again"
    )
