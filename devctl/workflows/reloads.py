"""Follow a dev container's log and tell each reload: saved → served, or what the compiler said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from devctl.domain.devlog import DevLog
from devctl.domain.events import Reload
from devctl.domain.observed import MODE_LABEL, Container
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.workflows.ready import address, answers

LOOK = 1.0
"""Seconds between two looks for a container while there is none to follow."""
ANSWER_TIMEOUT = 10.0


def follow_reloads(box: Toolbox, project: Project, service: Service, stop: Callable[[], bool]) -> None:
    """Runs in a thread of its own until `stop`; goes over to the next container when the service is recreated."""
    last = ""
    while not stop():
        container = box.engine.containers(project.name).of(service.name)
        if container is None or container.state != "running" or container.labels.get(MODE_LABEL) != "dev":
            _pause(box, stop)
            continue
        since = container.started_at if container.id != last and last else "0s"
        last = container.id
        _follow(box, project, service, container, since=since, stop=stop)


def _follow(
    box: Toolbox,
    project: Project,
    service: Service,
    container: Container,
    *,
    since: str,
    stop: Callable[[], bool],
) -> None:
    log = DevLog()
    first_build = since != "0s"
    pending = threading.Event()

    def on_line(stream: str, line: str) -> None:
        nonlocal first_build
        del stream
        mark = log.read(line)
        if mark is None:
            return
        if mark.kind in ("build.ok", "build.failed") and first_build:
            first_build = False  # the start of a container is told by who started it
        elif mark.kind == "build.failed":
            box.reporter.emit(
                Reload(service.name, ok=False, ms=_since_save(box, project, service), message=mark.message)
            )
        elif mark.kind == "build.ok":
            pending.set()
        elif mark.kind == "app.started" and pending.is_set():
            pending.clear()
            _tell_served(box, project, service, container)

    with box.processes.follow(
        ["docker", "logs", "--follow", "--since", since, container.id], on_line=on_line
    ) as alive:
        while alive() and not stop():
            box.clock.sleep(0.1)


def _tell_served(box: Toolbox, project: Project, service: Service, container: Container) -> None:
    where = address(service, container)
    deadline = box.clock.monotonic() + ANSWER_TIMEOUT
    while where is not None and box.clock.monotonic() < deadline:
        if answers(box, where):
            break
        box.clock.sleep(0.005)
    box.reporter.emit(Reload(service.name, ok=True, ms=_since_save(box, project, service)))


def _since_save(box: Toolbox, project: Project, service: Service) -> int:
    """ms since the newest save of a source file: its time of change is the moment of the save."""
    folder = Path(project.root) / service.dir
    saved = max((changed for _, changed in box.files.go_files(folder)), default=box.clock.now())
    return max(0, round((box.clock.now() - saved) * 1000))


def _pause(box: Toolbox, stop: Callable[[], bool]) -> None:
    deadline = box.clock.monotonic() + LOOK
    while not stop() and box.clock.monotonic() < deadline:
        box.clock.sleep(0.1)
