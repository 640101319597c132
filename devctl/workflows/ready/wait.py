"""Wait until a service answers from the host, and stop waiting as soon as it visibly cannot."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from devctl.domain.command.argv import docker, shell_words
from devctl.domain.command.events import Remark
from devctl.domain.debug.debugging import Debugging
from devctl.domain.failures.dev_log import DevLog, Mark
from devctl.domain.failures.listeners import Listener
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.http import Prober
from devctl.domain.ports.toolbox import Processes, Running, Toolbox
from devctl.domain.project.model import Service
from devctl.domain.project.redact import redact
from devctl.errors import ProjectError
from devctl.workflows.engine.compile_error import does_not_compile, mend
from devctl.workflows.ready.exited import exited, panicked, tail
from devctl.workflows.ready.unreachable import (
    Listening,
    Unreached,
    listening_in,
    unreached,
    warn_of_silent_ports,
    warn_of_unpublished,
)

POLL = 0.01
"""Seconds between two requests while waiting; the probe is a local connect, so this costs little."""
LOOK = 0.5
"""Seconds between two looks at the container's state."""
FIRST_ASKED = 0.1
"""Seconds that the first request may take, doubled by each that took that long, up to LAST_ASKED. An engine accepts
connections before the container can take them: such a request hangs until TCP sends it again, after a second."""
LAST_ASKED = 2.0
STAYS_UP = 2.0
"""Seconds that a service without a port must stay up to count as ready."""
SWAP = 0.5
"""Seconds between the exit of an old process and the start of its successor, with a margin."""
COMPILE_TIMEOUT = 900.0
"""Seconds that a build in the container may take: with empty caches a large service compiles for minutes."""
LONG = 5.0
"""Seconds of a build in the container after which it is reported."""
QUIET = 0.1
"""Seconds without another line until a failed build counts as the last one: a log is read from its start."""
ASK_INSIDE = 2.0
"""Seconds between two looks at what listens inside the container, starting with the program."""
ASK_BESIDE = 2.0
"""The same if it needs a separate container, doubled from the third time on."""
TRACE = 3.0
"""Seconds after the first line of a panic within which the process must have exited; its trace is in the log then."""


class Endpoint(Struct, frozen=True):
    """Where the host reaches a service; `path` None for a bare TCP service."""

    host: str
    port: int
    path: str | None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def address(service: Service, container: Container) -> Endpoint | None:
    bound = container.published(service.port_in(container.mode))
    if bound is None or service.serve.probe == "none":
        return None
    return Endpoint(*bound, None if service.serve.probe == "tcp" else service.serve.probe)


def answers(prober: Prober, where: Endpoint, *, timeout: float = 1.0) -> bool:
    """Any HTTP answer is alive; a 5xx other than 501 is an answer too, but not a good one."""
    if where.path is None:
        return prober.tcp(where.host, where.port, timeout=timeout)
    status = prober.http(where.url + where.path, timeout=timeout)
    return status is not None and (status < 500 or status == 501)


class Followed(Struct, frozen=True):
    """What the log of a dev container says; `flows`: whether it still does, `spoke`: whether it has said anything."""

    marks: queue.SimpleQueue[Mark]
    spoke: threading.Event
    flows: Running


@contextmanager
def following(processes: Processes, container: Container, *, since: str) -> Iterator[Followed]:
    """From a certain time on."""
    marks, spoke = queue.SimpleQueue[Mark](), threading.Event()
    log, turn = DevLog(container.log_mark), threading.Lock()

    def on_line(stream: str, line: str) -> None:
        with turn:  # each of its two streams is read by a thread
            for said in log.hear(stream, line):
                if isinstance(said, Mark):
                    marks.put(said)
        spoke.set()

    argv = docker("logs", "--follow", "--since", since, to=[container.id])
    with processes.follow(argv, on_line=on_line) as flows:
        yield Followed(marks, spoke, flows)


class _Heard(Struct):
    """What the log of a dev container has said so far: `live` processes of the service, how the last one exited, since when;
    `failed`: the compiler's message if the last build failed; `panic`: the first line of the first one."""

    at: float
    building: bool = False
    live: int = 0
    ended: int | None = None
    failed: str | None = None
    panic: str | None = None
    panicked_at: float = 0.0
    told: bool = False

    def hear(self, mark: Mark, now: float) -> None:
        self.at, self.building = now, mark.kind in ("container.started", "build.started", "helper.building")
        if mark.kind == "panic" and self.panic is None:
            self.panic, self.panicked_at = mark.message, now
        if mark.kind == "container.started":  # or its script has gone on to the next program
            self.live, self.ended, self.failed, self.panic = 0, None, None, None
        if mark.kind.startswith("build."):
            self.failed = mark.message if mark.kind == "build.failed" else None
        if mark.kind == "app.started":
            self.live += 1
        if mark.kind == "app.replaced":
            self.live = max(1, self.live)
        if mark.kind == "app.exited":
            self.live, self.ended = self.live - 1, int(mark.message)

    def compiles_long(self, now: float) -> bool:
        """Once, so that nobody mistakes a first build of several minutes for a hang."""
        first = self.building and not self.told and now - self.at >= LONG
        self.told = self.told or first
        return first

    def over(self, now: float) -> bool:
        """The old process of a second build at startup exits too, and that may be reported after the new one's start."""
        return self.ended is not None and self.live <= 0 and not self.building and now - self.at >= SWAP


def wait_ready(
    box: Toolbox,
    project: str,
    service: Service,
    *,
    timeout: float,
    fresh: bool = False,
    beside: Listening | None = None,
    served: frozenset[int] = frozenset(),
    since: str = "",
) -> None:
    """Return when the service answers (or, without a port, stays up); raise ProjectError otherwise.

    `timeout` in seconds, without those that a build in the container takes (at most COMPILE_TIMEOUT).
    Returns too when it exits with 0 and is a job, and when its program waits for a debugger. `fresh`: its container was just made,
    so that any restart of it is a crash.
    `beside`: how to look what listens where the image itself has nothing to read with, and no log says when it runs.
    `served`: the ports that its predecessor listened on when it served. A program that listens on another one instead will not
    answer on the probed one; a helper's port that was open then too may be only the first of several.
    `since`: from when on its log counts, where that is not the start of the container.
    Fails early when the build visibly failed, the process exits or panics, or listens where nobody reaches it.
    """
    container = box.engine.containers(project).of(service.name)
    if container is None:
        raise _gone(service)
    where = address(service, container)
    with following(box.processes, container, since=since or container.log_from) as log:
        now = box.clock.monotonic()
        wait = _Wait(
            box=box,
            project=project,
            service=service,
            container=container,
            where=where,
            log=log,
            timeout=timeout,
            fresh=fresh,
            beside=beside,
            served=served,
            heard=_Heard(now),
            looked=now,
            asked=now,
        )
        while not wait.is_over():
            wait.must_go_on()
            box.clock.sleep(POLL)


class _Wait(Struct):
    """The wait for one service, as in `wait_ready`. `container`: as it was when the wait began. `looked` and `asked`: when the
    container's state and its listeners were last examined; `elsewhere`: what that last look found instead."""

    box: Toolbox
    project: str
    service: Service
    container: Container
    where: Endpoint | None
    log: Followed
    timeout: float
    fresh: bool
    beside: Listening | None
    served: frozenset[int]
    heard: _Heard
    looked: float
    asked: float
    pauses: int = 0
    patience: float = FIRST_ASKED
    elsewhere: Unreached | None = None

    def is_over(self) -> bool:
        """Raises if it can never answer."""
        now = self.box.clock.monotonic()
        if self._answered():
            self._look_at_other_ports()
            self._must_be_debugged()
            return True
        self._hear(now)
        if self._program_ended(now):
            return True
        if self.where is not None and self._inside_is_due(now):
            self._check_address()
        if now - self.looked < (LOOK if self.heard.panic is None else POLL):
            return False
        self.looked = now
        return self._container_ended() or self._waits_for_debugger() or self._stays_up(now)

    def must_go_on(self) -> None:
        """Raises if nobody wants to wait any longer."""
        if self.box.processes.hurried():
            raise ProjectError(
                f"{self.service.name} had not answered yet when the wait was interrupted",
                code="interrupted",
                hint="devctl status shows whether it answers",
            )
        within = COMPILE_TIMEOUT if self.heard.building else self.timeout
        if self.box.clock.monotonic() - self.heard.at >= within:
            raise self._never_answers()

    def _answered(self) -> bool:
        if self.where is None:
            return False
        began = self.box.clock.monotonic()
        if answers(self.box.prober, self.where, timeout=self.patience):
            return True
        if self.box.clock.monotonic() - began >= 0.9 * self.patience:  # it hung; a refusal comes immediately
            self.patience = min(2 * self.patience, LAST_ASKED)
        return False

    def _look_at_other_ports(self) -> None:
        all_of_it = self.beside or (lambda it: listening_in(self.box.engine, it.id))
        warn_of_silent_ports(self.box, self.service, self.container, all_of_it)

    def _waits_for_debugger(self) -> bool:
        """It answers nobody before one is connected."""
        debugging = self.container.debugging
        return debugging is not None and debugging.waits and self._serves_debugger(debugging)

    def _serves_debugger(self, debugging: Debugging) -> bool:
        found = listening_in(self.box.engine, self._there().id)
        return any(it.port == debugging.port for it in found)

    def _must_be_debugged(self) -> None:
        """delve listens before it starts the program: a program that answers without it was started by something else."""
        debugging, service = self.container.debugging, self.service
        if debugging is not None and not self._serves_debugger(debugging):
            plain = 'a simple command can be started under it, such as `full_bin = "./tmp/main serve"`'
            raise ProjectError(
                f"{service.name} answers, but was not started under the debugger",
                code="debugger-not-started",
                hint=f"devctl logs {service.name}" if service.air is None else plain,
                place=service.air.place("full_bin") if service.air is not None else None,
            )

    def _hear(self, now: float) -> None:
        """Raises if a build failed."""
        service, heard = self.service, self.heard
        while not self.log.marks.empty():
            heard.hear(self.log.marks.get(), now)
            self.asked = now
        if heard.compiles_long(now):
            told = f"  {service.name} compiles in its container; the first time takes longest"
            self.box.reporter.emit(Remark(told))
        if heard.failed is not None and now - heard.at >= QUIET:
            raise does_not_compile(service, heard.failed, hint=mend(service, heard.failed))

    def _program_ended(self, now: float) -> bool:
        """Whether the program in a dev container finished like a job; raises if it exited otherwise."""
        heard = self.heard
        if heard.panic is not None and (heard.over(now) or now - heard.panicked_at >= TRACE):
            raise panicked(self.service, heard.panic, self._tail())
        if not heard.over(now):
            return False
        if self._is_done(heard.ended):
            return True
        raise exited(self.box, self.project, self.service, self._there(), code=heard.ended or 0)

    def _container_ended(self) -> bool:
        """Whether the container finished like a job; raises if it exited otherwise."""
        container = self._there()
        if container.state == "exited" and self._is_done(container.exit_code):
            return True
        # A container that was just created and has restarted already: a restart policy keeps it up for a moment.
        if container.state in ("exited", "dead", "restarting") or (self.fresh and container.restarts):
            raise exited(self.box, self.project, self.service, container)
        if container.health == "unhealthy":
            raise ProjectError(
                f"{self.service.name} is unhealthy: its health check fails",
                code="unhealthy",
                hint=f"devctl logs {self.service.name}",
                detail=tail(self.box.engine, container),
            )
        return False

    def _stays_up(self, now: float) -> bool:
        """Whether a service without a port has."""
        heard = self.heard
        # The first lines of a reloader that is ours are late if the machine is busy; what they announce is a build.
        silent = self.container.log_mark and self.log.flows() and not self.log.spoke.is_set()
        if (
            self.where is not None
            or silent
            or heard.panic is not None
            or heard.building
            or now - heard.at < STAYS_UP
        ):
            return False
        warn_of_unpublished(self.box.reporter, self.box.engine, self.service, self._there().id)
        return True

    def _is_done(self, code: int | None) -> bool:
        """A job ran to completion. This is reported, since somebody may have expected a server."""
        service = self.service
        if code != 0 or not service.may_finish:
            return False
        told = f"it was started with `{redact(shell_words(service.start.args))}`"
        why = "it does not listen on any port" if service.serve.port is None else told
        self.box.reporter.emit(Remark(f"  {service.name} has finished (exit code 0): {why}, so it is a job"))
        return True

    def _inside_is_due(self, now: float) -> bool:
        pause = ASK_INSIDE if self.beside is None else ASK_BESIDE * 2 ** max(0, self.pauses - 1)
        if not (self.heard.live > 0 or self.beside) or now - self.asked < pause:
            return False
        self.asked, self.pauses = now, self.pauses + 1
        return True

    def _check_address(self) -> None:
        """A service that listens on its container's loopback will never be reached, however long one waits; nor will one that
        twice in a row listens on a port of its own choice instead."""
        cause = self._cause(self.beside or self._listening)
        before, self.elsewhere = self.elsewhere, None
        if cause is not None and cause.code == "other-port" and not self.served.issuperset(cause.ports):
            self.elsewhere = cause if self.service.serve.port in self.served else None
        if cause is not None and (cause.code == "localhost-only" or before == self.elsewhere == cause):
            raise self._unanswered(cause.message, cause.code, cause.hint)

    def _cause(self, listening: Listening) -> Unreached | None:
        container = self._container()
        return unreached(self.service, listening(container)) if container is not None else None

    def _listening(self, container: Container) -> tuple[Listener, ...]:
        """Without the debugger: it listens for itself, and before the program does."""
        found = listening_in(self.box.engine, container.id)
        debugging = self.container.debugging
        return tuple(it for it in found if debugging is None or it.port != debugging.port)

    def _never_answers(self) -> ProjectError:
        service, where = self.service, self.where
        if where is None:
            message = f"{service.name} did not start within {self.timeout:g} s"
            return self._unanswered(message, "never-answers", f"devctl logs {service.name}")
        cause = self._cause(self._listening)
        if cause is not None and cause.code == "localhost-only":
            return self._unanswered(cause.message, cause.code, cause.hint)
        message = f"{service.name} did not answer on {where.url}{where.path or ''} within {self.timeout:g} s"
        if cause is not None:
            return self._unanswered(f"{message}: {cause.message}", "never-answers", cause.hint)
        hint = f"does it listen on 0.0.0.0:{service.serve.port}? `devctl logs {service.name}`; "
        hint += f"devctl.yaml: `services: {{{service.name}: {{port: {service.serve.port}, probe: /}}}}` sets the address to probe"
        return self._unanswered(message, "never-answers", hint)

    def _unanswered(self, message: str, code: str, hint: str) -> ProjectError:
        place = self.service.origins.get("port")
        return ProjectError(message, code=code, hint=hint, place=place, detail=self._tail())

    def _tail(self) -> str:
        return tail(self.box.engine, self._container())

    def _container(self) -> Container | None:
        return self.box.engine.containers(self.project).of(self.service.name)

    def _there(self) -> Container:
        container = self._container()
        if container is None:
            raise _gone(self.service)
        return container


def served_ports(engine: Engine, service: Service, container: Container | None) -> frozenset[int]:
    """What `wait_ready` compares a successor with: where a serving container listens; nothing if it is not running."""
    if container is None or container.state != "running" or service.serve.port is None:
        return frozenset()
    return frozenset(it.port for it in listening_in(engine, container.id))


def _gone(service: Service) -> ProjectError:
    return ProjectError(
        f"the container of {service.name} is gone", code="container-gone", hint="devctl up starts it again"
    )
