"""Follow the output of a project's containers, and of its background watcher."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, cast

from devctl.domain.command.argv import docker
from devctl.domain.command.events import LogLine, Recorded
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.state_folder import Position, StateFolder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import EVENTS
from devctl.workflows.logs.recorded_events import recorded_event
from devctl.workflows.session.name_conflict import own_containers

LOOK = 1.0
"""Seconds between two looks for containers that came new."""


def follow_services(
    box: Toolbox, project: Project, names: Sequence[str], *, follow: bool, tail: int | None, events: bool
) -> None:
    """Print the containers' logs; with `follow` until Ctrl-C or until nobody reads them any more, going over to recreated
    containers."""
    containers = [
        c
        for c in own_containers(box.files, box.engine, project).containers
        if not names or c.service in names
    ]
    if not follow:
        for container in containers:
            flags = ["--tail", str(tail)] if tail is not None else []
            _drain(box, container, docker("logs", *flags, to=[container.id]))
        for line in _recorded(box.state, project)[-(tail or 0) :] if events else []:
            box.reporter.emit(Recorded(line))
        return
    # A service that says nothing for hours would keep `logs -f | head` open until its next line.
    stream(box, project, names, tail=tail, stop=box.host.reader_left, events=events)


def stream(
    box: Toolbox,
    project: Project,
    names: Sequence[str],
    *,
    tail: int | None,
    stop: Callable[[], bool],
    events: bool,
) -> None:
    """Follow until `stop`. Containers that came later are followed from their first line on."""
    recorded = _Recorded(box, project)
    looked = 0.0
    seen: set[str] = set()
    with contextlib.ExitStack() as open_logs:
        while not stop():
            now = box.clock.monotonic()
            if now - looked >= LOOK or not looked:
                flags = ["--tail", str(tail)] if tail is not None and not looked else []
                looked = now
                for container in own_containers(box.files, box.engine, project).containers:
                    # The log of one that has not started yet ends at once, and would not be followed when it has.
                    if container.id in seen or container.state == "created":
                        continue
                    if not names or container.service in names:
                        argv = docker("logs", "--follow", *flags, to=[container.id])
                        open_logs.enter_context(
                            box.processes.follow(argv, on_line=partial(_line, box, container.service))
                        )
                        seen.add(container.id)
            if events:
                for line in recorded.new():
                    box.reporter.emit(Recorded(line))
            box.clock.sleep(0.1)


def _drain(box: Toolbox, container: Container, argv: Sequence[str]) -> None:
    with box.processes.follow(argv, on_line=partial(_line, box, container.service)) as runs:
        while runs():  # a log may be long, and Ctrl-C ends it
            box.clock.sleep(0.02)


def _line(box: Toolbox, service: str, stream_name: str, line: str) -> None:
    box.reporter.emit(LogLine(service, cast("Literal['stdout', 'stderr']", stream_name), line))


class _Recorded:
    """What the background watcher wrote since the last look; a new watcher begins a new file."""

    def __init__(self, box: Toolbox, project: Project) -> None:
        self._box, self._root = box, Path(project.root)
        self._read_to = Position()
        self.new()

    def new(self) -> list[str]:
        lines, self._read_to = self._box.state.new_lines(self._root, EVENTS, self._read_to)
        return [line for line in lines if recorded_event(line) is not None]


def _recorded(state: StateFolder, project: Project) -> list[str]:
    lines, _ = state.new_lines(Path(project.root), EVENTS, Position())
    return [line for line in lines if recorded_event(line) is not None]
