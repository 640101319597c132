"""The foreground `up` once it is ready: logs, watcher, Ctrl-C stops the services, `d` detaches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devctl.domain.command.events import Outcome, Ready, Remark
from devctl.domain.command.requests import UpRequest
from devctl.domain.plan.engine_state import MODE_LABEL
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError, InterruptedByUser
from devctl.workflows.dev.watch import holding, still_mine, watch
from devctl.workflows.engine.execute import must, tell_kills
from devctl.workflows.logs.follow import stream
from devctl.workflows.session.host_ports import HOLDS_PORTS
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.state.interrupted import interrupted
from devctl.workflows.state.snapshot import snapshot
from devctl.workflows.state.watcher_process import ensure_watcher, watcher_state
from devctl.workflows.switch.lock import locked

TICK = 0.2
END = 3.0
"""Seconds that the log followers have to stop their children."""


def stay(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    """Returns when the user ends it; the services are then stopped, or keep running after `d`.

    The watcher runs in the main thread, where Ctrl-C arrives: a build is then told to stop, and what served keeps serving.
    """
    ended = threading.Event()
    detached = False
    logs: threading.Thread | None = None
    try:
        with holding(box, project) as mine, box.host.keys() as key:
            # Printed only now that both are heard.
            box.reporter.emit(Ready(outcome.text))
            box.reporter.emit(
                Remark("Ctrl-C stops, d detaches" if box.host.interactive() else "Ctrl-C stops")
            )
            if unwatched := _unwatched(request, box, project, mine=mine):
                box.reporter.emit(Remark(unwatched))
            watching = mine and request.watch
            logs = threading.Thread(
                target=_logs, args=(request, box, project, ended), kwargs={"watched": watching}, daemon=True
            )
            logs.start()

            def stop() -> bool:
                nonlocal detached
                detached = detached or key() == "d"
                return detached or (mine and not still_mine(box.files, project.root))

            _stay(box, project, stop=stop, watching=watching)
    except (KeyboardInterrupt, InterruptedByUser):
        pass
    finally:
        ended.set()
        if logs is not None and logs.is_alive():
            logs.join(END)
    return _detach(request, box, project, outcome) if detached else _stop(request, box, project, outcome)


def _unwatched(request: UpRequest, box: Toolbox, project: Project, *, mine: bool) -> str:
    """Why this `up` does not watch; "" if it does."""
    if not request.watch:
        return "not watching go.mod and the other inputs (--no-watch): `devctl up` applies changes to them"
    if mine:
        return ""
    other = watcher_state(box, project.root)
    pid = f" (pid {other.pid})" if other.pid is not None else ""
    return f"not watching: another devctl{pid} already watches this project"


def _stay(box: Toolbox, project: Project, *, stop: Callable[[], bool], watching: bool) -> None:
    if watching:
        watch(box, project, stop=stop)
    while not stop():
        box.clock.sleep(TICK)


def _logs(
    request: UpRequest, box: Toolbox, project: Project, ended: threading.Event, *, watched: bool
) -> None:
    while not ended.is_set():
        try:
            stream(
                box,
                project,
                request.services,
                tail=0,
                stop=ended.is_set,
                json=request.json,
                pretty=request.pretty,
                watched=watched,
            )
        except DevctlError:
            box.clock.sleep(TICK)  # the engine is gone; the watcher reports it


def _detach(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    with _at_the_end(request, box, project):
        if request.watch and own_containers(box.files, box.engine, project).containers:
            ensure_watcher(box, project)
    return Outcome(
        result=outcome.result, text="detached; devctl logs -f follows the logs, devctl down stops everything"
    )


def _stop(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    """Stop what runs, unless another command has taken over the project while this one followed it or waited for the lock."""
    with _at_the_end(request, box, project):
        text = _others(box, project)
        if text is None:
            root, timeout = project.root, request.compose_timeout
            must(box.compose.stop(project.name, root, timeout=timeout), "compose")
            tell_kills(box.reporter, box.state, project, [s.name for s in project.services])
            text = "stopped; devctl up starts again, devctl down removes"
        result = {**outcome.result, **snapshot(box, project).as_json()}
    if box.files.gone(project.root):
        raise FilesError(
            f"{text.partition(';')[0]}: the project's folder {project.root} was moved or removed",
            code="project-folder-gone",
            hint="devctl clean removes what is left; devctl up in the new folder starts it there",
            result=result,
        )
    return Outcome(result=result, text=text)


def _others(box: Toolbox, project: Project) -> str | None:
    """What this command must not stop, in words; None if there is nothing."""
    running = [c for c in own_containers(box.files, box.engine, project).containers if c.state in HOLDS_PORTS]
    if not running:
        return "nothing is running any more: another command stopped it"
    prod = sorted(c.service for c in running if c.labels.get(MODE_LABEL) == "prod")
    if prod:
        return f"left running: {', '.join(prod)} in production mode, from devctl prod-preview; devctl down removes it"
    other = watcher_state(box, project.root)
    if other.state == "running":
        return (
            f"left running: another devctl (pid {other.pid}) took over this project; devctl down removes it"
        )
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
