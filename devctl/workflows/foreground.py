"""The foreground `up` after it is ready: logs, watcher, Ctrl-C stops the services, `d` detaches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from devctl.domain.events import Note, Outcome, Ready
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import UpRequest
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.execute import must
from devctl.workflows.follow import stream
from devctl.workflows.session import MODEL
from devctl.workflows.snapshot import snapshot
from devctl.workflows.watch import holding, still_mine, watch
from devctl.workflows.watcher_process import ensure_watcher, stop_watcher

TICK = 0.2
END = 3.0
"""Seconds that the followers of logs get to end their children."""


def stay(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    """Returns when the user ends it; the services are stopped then, or go on detached after `d`.

    The watcher runs in the main thread, where Ctrl-C arrives: a build is then told to end, and what served serves.
    """
    ended = threading.Event()
    logs = threading.Thread(target=_logs, args=(request, box, project, ended), daemon=True)
    detached = False
    try:
        stop_watcher(box, project)
        with holding(box, project) as mine, box.host.keys() as key:
            # Said only now that both are heard.
            box.reporter.emit(Ready(outcome.text))
            box.reporter.emit(Note("Ctrl-C stops, d detaches" if box.host.interactive() else "Ctrl-C stops"))
            logs.start()

            def stop() -> bool:
                nonlocal detached
                detached = detached or key() == "d"
                return detached or (mine and not still_mine(box, Path(project.root)))

            _stay(box, project, stop=stop, watching=mine and request.watch)
    except (KeyboardInterrupt, InterruptedByUser):
        pass
    finally:
        ended.set()
        if logs.is_alive():
            logs.join(END)
    if detached:
        if request.watch:
            ensure_watcher(box, project)
        return Outcome(result=outcome.result, text="detached; devctl logs -f follows, devctl down ends it")
    return _stop(box, project, outcome)


def _stay(box: Toolbox, project: Project, *, stop: Callable[[], bool], watching: bool) -> None:
    if watching:
        watch(box, project, stop=stop)
    while not stop():
        box.clock.sleep(TICK)


def _logs(request: UpRequest, box: Toolbox, project: Project, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            stream(box, project, request.services, tail=0, stop=ended.is_set, events=False)
        except DevctlError:
            box.clock.sleep(TICK)  # the engine is away; the watcher says so


def _stop(box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    file = Path(project.root) / OVERLAY / MODEL
    must(box.compose.stop(file, []), "compose")
    result = {**outcome.result, **snapshot(box, project).as_json()}
    return Outcome(result=result, text="stopped; devctl up starts again, devctl down removes")
