"""Follow the output of a project's containers, and of its background watcher."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, cast

from devctl.domain.events import LogLine, Recorded
from devctl.domain.observed import Container
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.workflows.owner import own_containers
from devctl.workflows.watcher_process import EVENTS

LOOK = 1.0
"""Seconds between two looks for containers that came new."""


def follow_services(
    box: Toolbox, project: Project, names: Sequence[str], *, follow: bool, tail: int | None, events: bool
) -> None:
    """Print the containers' logs; with `follow` until Ctrl-C, going over to recreated containers."""
    containers = [c for c in own_containers(box, project).containers if not names or c.service in names]
    if not follow:
        for container in containers:
            flags = ["--tail", str(tail)] if tail is not None else []
            _drain(box, container, ["docker", "logs", *flags, container.id])
        for line in _recorded(box, project)[-(tail or 0) :] if events else []:
            box.reporter.emit(Recorded(line))
        return
    stream(box, project, names, tail=tail, stop=lambda: False, events=events)


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
                looked = now
                for container in own_containers(box, project).containers:
                    if container.id not in seen and (not names or container.service in names):
                        first = ["--tail", str(tail)] if tail is not None and not seen else []
                        argv = ["docker", "logs", "--follow", *first, container.id]
                        open_logs.enter_context(
                            box.processes.follow(argv, on_line=partial(_line, box, container.service))
                        )
                        seen.add(container.id)
            if events:
                for line in recorded.new():
                    box.reporter.emit(Recorded(line))
            box.clock.sleep(0.1)


def _drain(box: Toolbox, container: Container, argv: Sequence[str]) -> None:
    done = box.processes.run(argv)
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        for line in text.splitlines():
            _line(box, container.service, name, line)


def _line(box: Toolbox, service: str, stream_name: str, line: str) -> None:
    box.reporter.emit(LogLine(service, cast("Literal['stdout', 'stderr']", stream_name), line))


class _Recorded:
    """What the background watcher wrote since the last look; a new watcher begins a new file."""

    def __init__(self, box: Toolbox, project: Project) -> None:
        self._box, self._project = box, project
        self._file = Path(project.root) / OVERLAY / EVENTS
        self._changed = box.files.modified(self._file)
        self._seen = _recorded(box, project)

    def new(self) -> list[str]:
        changed = self._box.files.modified(self._file)
        if changed == self._changed:
            return []
        self._changed = changed
        before, self._seen = self._seen, _recorded(self._box, self._project)
        goes_on = self._seen[: len(before)] == before
        return self._seen[len(before) :] if goes_on else self._seen


def _recorded(box: Toolbox, project: Project) -> list[str]:
    text = box.files.read_text(Path(project.root) / OVERLAY / EVENTS) or ""
    return [line for line in text.splitlines() if _is_event(line)]


def _is_event(line: str) -> bool:
    """Not the envelope, and not a last line that is still being written."""
    try:
        said = json.loads(line)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("type") == "event"
