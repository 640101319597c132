"""`up` in the foreground: ready, then logs, watcher and keys, until it is quit (the services are stopped) or detached."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import (
    ActionFailed,
    Cleared,
    Doing,
    Filtered,
    Outcome,
    Ready,
    Remark,
    Seen,
)
from devctl.domain.command.requests import UpRequest
from devctl.domain.command.state import ProjectMode, State
from devctl.domain.plan.engine_state import Observed
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.screen.keys import ScreenKey, answer, help_text, next_shown
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.dev.lifecycle import brought_up
from devctl.workflows.dev.watch import holding, is_there, still_mine, watch
from devctl.workflows.engine.execute import must, tell_kills
from devctl.workflows.logs.follow import stream
from devctl.workflows.project.find import folder_gone
from devctl.workflows.screen import actions
from devctl.workflows.session.host_ports import HOLDS_PORTS
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.state.interrupted import interrupted
from devctl.workflows.state.open_address import main_url, open_address
from devctl.workflows.state.snapshot import mode_of, services_shown, snapshot
from devctl.workflows.state.watcher_process import ensure_watcher, watcher_state
from devctl.workflows.switch.lock import locked

TICK = 0.2
END = 3.0
"""Seconds that the log followers have to stop their children."""


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod; returns when the user ends it."""
    project, outcome = brought_up(request, box)
    return stay(request, box, project, outcome)


def stay(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    """Returns when the user ends it; the services are then stopped, or keep running after `d`.

    The watcher runs in the main thread, where Ctrl-C arrives: a build is then stopped, and what was serving keeps serving. The
    work of keys is done there too. Keys are read, and the status line is drawn, until everything is done.
    """
    here = _Foreground(request, box, project)
    # With --json the output is for a script, so nobody presses keys.
    keys: AbstractContextManager[None] = nullcontext() if request.json else box.terminal.keys(here.hear)
    with keys:
        try:
            here.stay(outcome)
        except (KeyboardInterrupt, InterruptedByUser):
            here.detached = False  # even if `d` was pressed before
        if here.detached:
            here.ends("detaching")
            return _detach(request, box, project, outcome)
        here.ends("stopping")
        return _stop(request, box, project, outcome, ours=here.previewed)


class _Foreground(Struct):
    """`mode`, `url`: as last seen. `busy`: the work in progress that a key started, `asked` until it begins. `previewed`: the
    containers in production because of a key pressed here, None if they could not be listed. `unsure`: another command changed
    the mode, so what is served must be checked. `done`: number of finished actions. `ending`: the last step, once it has begun."""

    request: UpRequest
    box: Toolbox
    project: Project
    mode: ProjectMode = "dev"
    url: str | None = None
    services: tuple[str, ...] = ()
    shown: str = ""
    asked: ScreenKey | None = None
    busy: str = ""
    detached: bool = False
    previewed: frozenset[str] | None = frozenset()
    ending: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    seen: object = None
    done: int = 0
    unsure: bool = False

    def stay(self, outcome: Outcome) -> None:
        """Until Ctrl-C, or until the user detaches; not if only `.devctl/` is deleted, and the watcher's lock with it."""
        logs: threading.Thread | None = None
        since = self.box.clock.now()
        try:
            while logs is None or not self._is_over():
                with holding(self.box, self.project) as mine:
                    if logs is None:
                        logs = self._begins(outcome, mine=mine)
                    self._watch(mine=mine, since=since)
                since = self.box.clock.now()
        finally:
            self.ended.set()
            if logs is not None and logs.is_alive():
                logs.join(END)

    def _begins(self, outcome: Outcome, *, mine: bool) -> threading.Thread:
        """Says so only now that Ctrl-C and keys are handled; the thread follows the logs."""
        request, box, emit = self.request, self.box, self.box.reporter.emit
        emit(Ready(outcome.text))
        self._look(outcome.result)
        pressed = box.host.interactive() and not request.json
        emit(Remark("Ctrl-C stops, d detaches, ? shows all keys" if pressed else "Ctrl-C stops"))
        if unwatched := _unwatched(request, box, self.project, mine=mine):
            emit(Remark(unwatched))
        if request.open:
            open_address(box.terminal, box.reporter, self.url)
        logs = threading.Thread(target=self._logs, kwargs={"watched": mine and request.watch}, daemon=True)
        logs.start()
        return logs

    def _watch(self, *, mine: bool, since: float) -> None:
        box, project = self.box, self.project

        def stop() -> bool:
            return self._ends() or (mine and not still_mine(box.files, project.root))

        if mine and self.request.watch:
            watch(box, project, stop=stop, between=self.act, since=since)
        while not stop():
            self.act()
            box.clock.sleep(TICK)

    def _ends(self) -> bool:
        # `devctl up | head -1`: as with `docker compose up`, the services keep running.
        self.detached = self.detached or (not self.ending and self.box.host.reader_left())
        # An interrupt may end a single call whose failure is ignored.
        return bool(self.ending) or (self.detached and not self.busy)

    def _is_over(self) -> bool:
        return self._ends() or not is_there(self.box.files, self.project)

    def hear(self, pressed: str) -> None:
        """Handles a key in the thread that reads keys: what takes no time is done here, the rest by the main thread."""
        if self.ending:
            return
        said = answer(pressed, mode=self.mode, busy=self.busy)
        if isinstance(said, str):
            if said:
                self.box.reporter.emit(Remark(said))
        elif said.does:
            self.busy = said.does
            self.box.reporter.emit(Doing(said.does))
            self.asked = said  # now the main thread may begin
        else:
            try:
                self._at_once(said)
            except DevctlError as error:
                self.box.reporter.emit(ActionFailed(error))

    def _at_once(self, key: ScreenKey) -> None:
        emit = self.box.reporter.emit
        match key.action:
            case "open":
                open_address(self.box.terminal, self.box.reporter, self.url)
            case "filter" if len(self.services) < 2:
                emit(Remark("there is only one service, and its log is shown"))
            case "filter":
                self.shown = next_shown(self.services, self.shown)
                emit(Filtered(self.shown))
                emit(Remark(f"log of {self.shown} only" if self.shown else "logs of all services"))
            case "clear":
                emit(Cleared())
            case "help":
                emit(Remark(help_text()))
            case "detach":
                if self.busy and not self.detached:
                    emit(Remark(f"detaching when {self.busy} is done"))
                self.detached = True
            case _:
                self.detached = False
                self.ends("stopping")
                self.box.terminal.interrupt()

    def ends(self, how: str) -> None:
        if self.ending != how:
            self.ending = how
            self.box.reporter.emit(Doing(how))

    def act(self) -> None:
        """Does the work of a key, in the main thread."""
        key, self.asked = self.asked, None
        if key is None:
            return
        reporter = self.box.reporter
        try:
            outcome = actions.act(key, replace(self.request, project=self.project.root), self.box)
        except (KeyboardInterrupt, InterruptedByUser):
            self._previewed(key)
            raise
        except DevctlError as error:
            reporter.emit(ActionFailed(error))
            self._look(error.result)
        else:
            self._look(outcome.result)
            if outcome.text:
                reporter.emit(Ready(outcome.text))
        self._previewed(key)
        self.seen, self.done = None, self.done + 1
        self.busy = ""  # last: only now may the thread of the logs report what it sees
        if not self.ending:
            reporter.emit(Doing(""))

    def _previewed(self, key: ScreenKey) -> None:
        """What is in production because of the key `p` is stopped by `q` too."""
        if key.action == "preview":
            self.previewed = None
            try:
                containers = own_containers(self.box.files, self.box.engine, self.project).containers
            except InterruptedByUser:
                raise
            except DevctlError:
                return
            self.previewed = frozenset(c.id for c in containers if c.mode == "prod")

    def _look(self, result: Mapping[str, object]) -> None:
        """Shows the state in the result of a command, if it has one."""
        if "services" not in result:
            return
        state = State.of(result)
        self.mode, self.url = state.mode, main_url(state.services)
        self.services = self.request.services or tuple(s.name for s in state.services)
        self.box.reporter.emit(Seen(self.mode, self.url, state.serving.state))

    def _observe(self) -> Observed:
        before = self.done
        observed = own_containers(self.box.files, self.box.engine, self.project)
        self._looked(observed, before)
        return observed

    def _looked(self, observed: Observed, before: int) -> None:
        """Notices what other commands change. The work of a key reports its outcome itself: what was seen when only `before`
        actions were done may be older."""
        seen = [(c.id, c.state, c.started_at) for c in observed.containers]
        if self.busy or (seen == self.seen and not self.unsure):
            return
        services = services_shown(self.box.engine, self.project, observed)
        mode, url = mode_of(services), main_url(services)
        unsure = self.unsure or mode != self.mode
        serving = snapshot(self.box, self.project, observed=observed).serving.state if unsure else None
        if self.busy or self.done != before:
            return
        self.unsure = serving not in ("current", None)
        self.seen, self.mode, self.url = seen, mode, url
        self.box.reporter.emit(Seen(mode, url, serving))

    def _logs(self, *, watched: bool) -> None:
        request = self.request
        while not self.ended.is_set():
            try:
                stream(
                    self.box,
                    self.project,
                    request.services,
                    tail=0,
                    stop=self.ended.is_set,
                    json=request.json,
                    pretty=request.pretty,
                    watched=watched,
                    observe=self._observe,
                )
            except DevctlError:
                self.box.clock.sleep(TICK)  # the engine is gone; the watcher reports it


def _unwatched(request: UpRequest, box: Toolbox, project: Project, *, mine: bool) -> str:
    """Why this `up` does not watch; "" if it watches."""
    if not request.watch:
        return "not watching go.mod and the other inputs (--no-watch): `devctl up` applies changes to them"
    if mine:
        return ""
    other = watcher_state(box, project.root)
    pid = f" (pid {other.pid})" if other.pid is not None else ""
    return f"not watching: another devctl{pid} already watches this project"


def _detach(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    with _at_the_end(request, box, project):
        if request.watch and own_containers(box.files, box.engine, project).containers:
            ensure_watcher(box, project)
    return Outcome(
        result=outcome.result, text="detached; devctl logs -f follows the logs, devctl down stops everything"
    )


def _stop(
    request: UpRequest,
    box: Toolbox,
    project: Project,
    outcome: Outcome,
    *,
    ours: Collection[str] | None = frozenset(),
) -> Outcome:
    """Stop what runs, unless another command has taken over the project while this one followed it or waited for the lock.
    `ours`: the containers that are in production because of the key `p`; None: all of those in production."""
    with _at_the_end(request, box, project):
        text = _others(box, project, ours=ours)
        if text is None:
            root, timeout = project.root, request.compose_timeout
            must(box.compose.stop(project.name, root, timeout=timeout), "compose")
            tell_kills(box.reporter, box.state, project, [s.name for s in project.services])
            text = "stopped; devctl up starts again, devctl down removes"
        result = {**outcome.result, **snapshot(box, project).as_json()}
    if box.files.gone(project.root):
        raise folder_gone(project.root, text.partition(";")[0], result=result)
    return Outcome(result=result, text=text)


def _others(box: Toolbox, project: Project, *, ours: Collection[str] | None) -> str | None:
    """What this command must not stop, in words; None if there is nothing."""
    running = [c for c in own_containers(box.files, box.engine, project).containers if c.state in HOLDS_PORTS]
    if not running:
        return "nothing is running any more: another command stopped it"
    in_prod = [c for c in running if c.mode == "prod"]
    prod = sorted(c.service for c in in_prod if ours is not None and c.id not in ours)
    if prod:
        return f"left running: {', '.join(prod)} in production mode, from devctl prod-preview; devctl down removes it"
    other = watcher_state(box, project.root)
    if other.state == "running":
        return f"left running: another devctl (pid {other.pid}) took over; devctl down removes it"
    return None


@contextmanager
def _at_the_end(request: UpRequest, box: Toolbox, project: Project) -> Iterator[None]:
    if not box.files.is_dir(project.root):  # moved or removed: nobody else can be working on it
        yield
        return
    try:
        with locked(box, project.root, command="up", timeout=request.lock_timeout):
            yield
    except (KeyboardInterrupt, InterruptedByUser) as error:
        raise interrupted(box, project, {}) from error
