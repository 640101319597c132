"""Follows a dev container's log and reports each reload: saved → served, or the compiler's message."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from devctl.domain.command.events import ENDED_AT_START, NO_ANSWER, UNCHANGED, Building, Reload
from devctl.domain.failures.dev_log import Mark
from devctl.domain.failures.places import telling_line
from devctl.domain.paths import is_below
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Clock
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.errors import DevctlError
from devctl.workflows.dev.alert import alert
from devctl.workflows.ready.wait import address, answers, following

LOOK = 1.0
"""Seconds between two looks for a container while there is none to follow."""
TICK = 0.3
"""Seconds between two checks whether the log still flows, or whether to stop."""
ANSWER_TIMEOUT = 10.0
POLL = 0.005
NOTICED_WITHIN = 60.0
"""Seconds that may lie between a save and the start of its build: with many services, builds wait for each other."""


def follow_reloads(
    box: Toolbox,
    project: Callable[[], Project],
    name: str,
    *,
    stop: Callable[[], bool],
    saved: Callable[[], None] = lambda: None,
    since: float | None = None,
) -> None:
    """Runs in its own thread until `stop`; switches to the next container when the service is recreated.

    `saved` is called whenever the container starts to build: the source has changed. `since`: from when on the log of a
    container that runs already is read, instead of from now on.
    """
    last = ""
    while not stop():
        service = project().service(name)
        container = _running(box.engine, project().name, name)
        if service is None or container is None:
            since = None
            _pause(box.clock, stop)
            continue
        # The start of a container is reported by whoever started it; what it did before this command is the past.
        run = f"{container.id} {container.started_at}"
        started_now = last not in ("", run)
        last = run
        follower = _Follower(
            box,
            project().root,
            service,
            container,
            saved=saved,
            starting=started_now,
            since=since,
            alert=project().watch_alert,
        )
        follower.follow(stop)
        since = None


def _running(engine: Engine, project: str, name: str) -> Container | None:
    try:
        found = engine.containers(project).of(name)
    except DevctlError:
        return None  # the engine is gone; the watcher reports it
    if found is None or found.state != "running" or found.mode != "dev":
        return None
    return found


class _Follower(Struct):
    """`starting`: the next build is the container's first. `changed`: when the newest Go file of this build was saved; `saved_at`:
    the same on the monotonic clock. `live`: processes of the app; the old one's exit may be reported after the new one's start."""

    box: Toolbox
    root: Path
    service: Service
    container: Container
    saved: Callable[[], None]
    starting: bool
    since: float | None = None
    alert: str = "none"
    changed: float = 0.0
    saved_at: float = 0.0
    told: tuple[float, str] = (0.0, "")
    built: bool = False
    live: int = 1
    building: bool = False
    marks: queue.SimpleQueue[Mark] = field(default_factory=queue.SimpleQueue)

    def follow(self, stop: Callable[[], bool]) -> None:
        # Not "0s": the docker command rounds that to whole seconds.
        now = self.box.clock.now() if self.since is None else self.since
        since = self.container.log_from if self.starting else f"{now:.6f}"
        self._note_save()  # it may already be building
        self.changed = self.changed if self.changed < now else 0.0
        with following(self.box.processes, self.container, since=since) as log:
            self.marks = log.marks
            while log.flows() and not stop():
                mark = self._next(TICK)
                if mark is not None:
                    self._read(mark)
        self._building(False)

    def _next(self, timeout: float) -> Mark | None:
        try:
            return self.marks.get(timeout=timeout)
        except queue.Empty:
            return None

    def _building(self, begun: bool) -> None:
        if begun != self.building:
            self.building = begun
            self.box.reporter.emit(Building(self.service.name, begun))

    def _read(self, mark: Mark) -> None:
        if mark.kind.startswith("build."):
            self._building(mark.kind == "build.started")
        match mark.kind:
            case "container.started":
                self.starting, self.live = True, 0
            case "build.started":
                self._note_save()
                if not self.starting:
                    self.saved()
            case "build.failed":
                self._failed(mark.message)
            case "build.ok":
                self.built = not self.starting
                self.starting = False
            case "build.unchanged":  # what runs is what was saved; it may be reported after one that failed
                self.told = (0.0, "")
                self._emit(ok=True, message=UNCHANGED)
            case "app.started" | "app.replaced":
                self.live = self.live + 1 if mark.kind == "app.started" else 1
                if self.built:
                    self.built = False
                    self._started()
            case "app.exited":
                self.live = max(0, self.live - 1)
            case _:  # the log reports it
                pass

    def _failed(self, message: str) -> None:
        first, self.starting = self.starting, False
        if first or self.told == (self.changed, message):
            return  # an editor that writes twice is reported once
        self.told = (self.changed, message)
        self._emit(ok=False, message=message)

    def _started(self) -> None:
        """The new process runs: wait for its answer, or for its exit."""
        self.told = (0.0, "")
        where = address(self.service, self.container)
        deadline = self.box.clock.monotonic() + ANSWER_TIMEOUT
        while where is not None and not answers(self.box.prober, where):
            mark = self._next(POLL)
            if mark is not None:
                self._read(mark)
                if mark.kind.startswith("build."):
                    return  # saved again: that build is reported instead
            late = self.box.clock.monotonic() >= deadline
            if late or (mark is not None and (mark.kind == "panic" or self.live == 0)):
                self._emit(ok=False, message=f"{self.service.name} {_why(mark, where.url)}")
                return
        self.live = 1
        self._emit(ok=True)

    def _emit(self, *, ok: bool, message: str = "") -> None:
        ms = round((self.box.clock.monotonic() - self.saved_at) * 1000)
        self.box.reporter.emit(Reload(self.service.name, ok=ok, ms=ms, message=message))
        if not ok:
            alert(self.box, self.alert, f"{self.service.name}: reload failed", telling_line(message))

    def _note_save(self) -> None:
        """Only a new save of Go code has an age, the difference of two clocks: the machine's may have been set since, and the
        files of a virtual machine may have another one. Any other save, of a template for example, counts from now."""
        before, self.changed, clock = self.changed, self._newest(), self.box.clock
        age = clock.now() - self.changed if self.changed != before else 0.0
        self.saved_at = clock.monotonic() - (age if 0 <= age <= NOTICED_WITHIN else 0.0)

    def _newest(self) -> float:
        """The moment of the save: the time of change of the youngest source file or go.mod, those of other modules of the project
        included."""
        mine = self.service.source.dir
        beside = (f for f in self.service.source.packages if not is_below(f, mine))
        found = (self.box.files.go_files(self.root / folder) for folder in (mine, *beside))
        return max((changed for files in found for _, changed in files), default=self.box.clock.now())


def _why(mark: Mark | None, url: str) -> str:
    if mark is None:
        return f"{NO_ANSWER}{url}"
    return f"{ENDED_AT_START}{mark.message if mark.kind == 'panic' else f'exit code {mark.message}'}"


def _pause(clock: Clock, stop: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + LOOK
    while not stop() and clock.monotonic() < deadline:
        clock.sleep(0.2)
