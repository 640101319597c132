"""What happens to a service is written down where `logs --json` and the full view read it: the background watcher's file."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from devctl.domain.command.event_json import event_json
from devctl.domain.command.events import Event, OfService
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.state_folder import EVENTS
from devctl.errors import Problem
from devctl.workflows.session.steps import only_warned


def record(box: Toolbox, root: Path, event: Event) -> None:
    """A folder that cannot be written to is no reason to fail: the event was already reported."""
    line = json.dumps(event_json(event, now=datetime.fromtimestamp(box.clock.now(), UTC)))
    with contextlib.suppress(FileNotFoundError), only_warned(box.reporter):  # the project may have been moved
        box.state.append(root, EVENTS, f"{line}\n")


class Recording(Struct, frozen=True):
    """A `Reporter` that also records, for a watcher whose output is no file: that of a foreground `up`."""

    box: Toolbox
    root: Path

    def emit(self, event: Event) -> None:
        self.box.reporter.emit(event)
        if isinstance(event, OfService):
            record(self.box, self.root, event)

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self.box.reporter.warn(problem, again=again)
