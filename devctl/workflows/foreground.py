"""The foreground `up` after it is ready: logs, watcher, Ctrl-C stops the services, `d` detaches."""

from __future__ import annotations

import threading
from pathlib import Path

from devctl.domain.events import Note, Outcome, Ready
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import UpRequest
from devctl.domain.runs import OVERLAY
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.execute import must
from devctl.workflows.follow import stream
from devctl.workflows.session import MODEL
from devctl.workflows.snapshot import snapshot
from devctl.workflows.watch import holding, watch
from devctl.workflows.watcher_process import ensure_watcher, stop_watcher


def stay(request: UpRequest, box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    """Returns when the user ends it; the services are stopped then, or go on detached after `d`."""
    stop_watcher(box, project)
    detach = threading.Event()
    ended = threading.Event()
    box.reporter.emit(Ready(outcome.text))
    keys = "Ctrl-C stops, d detaches" if box.host.interactive() else "Ctrl-C stops"
    box.reporter.emit(Note(keys))
    lock_note = holding(box, project)
    with lock_note as mine, box.host.keys() as key:
        watching = threading.Thread(target=_watch, args=(box, project, ended), daemon=True)
        if mine and request.watch:
            watching.start()

        def look() -> None:
            if key() == "d":
                detach.set()

        try:
            stream(box, project, request.services, tail=0, stop=detach.is_set, events=False, each=look)
        except (KeyboardInterrupt, InterruptedByUser):
            pass
        finally:
            ended.set()
            if watching.is_alive():
                watching.join(10)
    if detach.is_set():
        if request.watch:
            ensure_watcher(box, project)
        return Outcome(result=outcome.result, text="detached; devctl logs -f follows, devctl down ends it")
    return _stop(box, project, outcome)


def _watch(box: Toolbox, project: Project, ended: threading.Event) -> None:
    try:
        watch(box, project, stop=ended.is_set)
    except DevctlError as error:
        box.reporter.warn(error.problem)


def _stop(box: Toolbox, project: Project, outcome: Outcome) -> Outcome:
    file = Path(project.root) / OVERLAY / MODEL
    must(box.compose.stop(file, []), "compose")
    result = {**outcome.result, **snapshot(box, project).as_json()}
    return Outcome(result=result, text="stopped; devctl up starts again, devctl down removes")
