"""The background watcher as a process: whether it is alive, starting it, stopping it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.domain.command.state import WatcherState
from devctl.domain.numbers import whole
from devctl.domain.plan.engine_state import MACHINE_LABEL, TEMPORARY_LABEL
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.state_folder import EVENTS, WATCHER_LOCK, WATCHER_LOG
from devctl.errors import MachineError, Problem

if TYPE_CHECKING:  # `up` with nothing to do imports this module, and that one would take a third of its time
    from devctl.domain.project.model import Project

PROCESS = "watcher.json"
"""Who watches, in `box.private`: which process to stop must not be read from a file that containers can write."""
START_TIMEOUT = 60.0
"""Seconds, as long as its process lives: on a busy machine Python alone may need five."""
STOP_TIMEOUT = 15.0
"""Seconds; a watcher in the middle of a build lets compose clean up first."""


def watcher_state(box: Toolbox, root: Path) -> WatcherState:
    """Running means that a living process holds the lock file. Its pid, for people, is that of the watcher that this user
    started, else what the lock file says, which another user may not be able to read and a container may have written."""
    if not box.files.held(root, WATCHER_LOCK):
        return WatcherState()
    told = whole((box.state.text(root, WATCHER_LOCK) or "").strip())
    return WatcherState("running", _noted(box.private, box.identity, root) or told)


def ensure_watcher(box: Toolbox, project: Project) -> WatcherState:
    """Start a watcher if none is alive; returns once it holds its lock, or has exited."""
    state = watcher_state(box, project.root)
    if state.state == "running":
        return state
    root = project.root
    argv = [*box.host.own_program(), "--json", "--project", str(root), "watch-daemon"]
    box.state.make(root)
    out, err = box.state.begin(root, EVENTS), box.state.begin(root, WATCHER_LOG)
    pid = box.processes.spawn(argv, cwd=Path(root.anchor), out=out, err=err)
    deadline = box.clock.monotonic() + START_TIMEOUT
    while box.clock.monotonic() < deadline:
        ended = box.processes.ended(pid)
        state = watcher_state(box, project.root)
        if ended or (state.state == "running" and state.pid is not None):
            return state
        box.clock.sleep(0.02)
    return state


def note_watcher(private: PrivateState, identity: Identity, root: Path) -> None:
    """Called by the watcher itself, once it holds its lock."""
    with contextlib.suppress(MachineError):  # then it ends by its lock: with its project, or with .devctl/
        private.write(root, PROCESS, json.dumps(dict(identity.temporary())))


def stop_watcher(box: Toolbox, project: Project) -> None:
    """Returns once nobody watches, or after STOP_TIMEOUT; another user's watcher is left alone, with a warning."""
    pid = _noted(box.private, box.identity, project.root)
    if pid is None and not box.files.held(project.root, WATCHER_LOCK):
        return
    if pid is None:
        box.reporter.warn(
            Problem(
                "watcher-left",
                "the watcher of this project keeps running: it was started by another user or with a different XDG_STATE_HOME",
                "run devctl down as that user",
            )
        )
        return
    if pid == box.host.pid():
        return
    box.processes.terminate(pid)
    deadline = box.clock.monotonic() + STOP_TIMEOUT
    while box.files.held(project.root, WATCHER_LOCK) and box.clock.monotonic() < deadline:
        box.clock.sleep(0.02)


def _noted(private: PrivateState, identity: Identity, root: Path) -> int | None:
    """The pid of the process that recorded itself as the watcher, while that very process is alive."""
    try:
        labels = dict(json.loads(private.read(root, PROCESS) or "{}"))
    except (ValueError, TypeError):
        return None
    pid = str(labels.get(TEMPORARY_LABEL, "")).partition("-")[0]
    lives = labels.get(MACHINE_LABEL) == identity.machine and not identity.ended(labels)
    return whole(pid) if lives else None
