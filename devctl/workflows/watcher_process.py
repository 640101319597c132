"""The background watcher as a process: whether it lives, starting it, ending it."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.state import WatcherState

LOCK = "watcher.lock"
LOG = "watcher.log"
EVENTS = "events.jsonl"
"""What the background watcher tells, one JSON event a line; made anew with each watcher."""
START_TIMEOUT = 5.0
STOP_TIMEOUT = 15.0
"""Seconds; a watcher in the middle of a build lets compose tidy up first."""


def watcher_state(box: Toolbox, project: Project) -> WatcherState:
    """Running means: a living process holds the lock file. Its pid is what that process wrote into it."""
    lock = Path(project.root) / OVERLAY / LOCK
    if not box.files.held(lock):
        return WatcherState()
    text = (box.files.read_text(lock) or "").strip()
    return WatcherState("running", int(text) if text.isdigit() else None)


def ensure_watcher(box: Toolbox, project: Project) -> WatcherState:
    """Start a watcher where none lives; returns once it holds its lock."""
    state = watcher_state(box, project)
    if state.state == "running":
        return state
    root = Path(project.root)
    folder = box.files.state_dir(root)
    argv = [box.host.executable(), "-m", "devctl", "--json", "--project", str(root), "watch-daemon"]
    for name in (EVENTS, LOG):
        box.files.append(folder / name, "")  # made here, so that they belong to the owner of the project
    box.processes.spawn(argv, cwd=root, out=folder / EVENTS, err=folder / LOG)
    deadline = box.clock.monotonic() + START_TIMEOUT
    while box.clock.monotonic() < deadline:
        state = watcher_state(box, project)
        if state.state == "running" and state.pid is not None:
            return state
        box.clock.sleep(0.02)
    return state


def stop_watcher(box: Toolbox, project: Project) -> None:
    state = watcher_state(box, project)
    if state.state != "running" or state.pid is None or state.pid == box.host.pid():
        return
    box.processes.terminate(state.pid)
    lock = Path(project.root) / OVERLAY / LOCK
    deadline = box.clock.monotonic() + STOP_TIMEOUT
    while box.files.held(lock) and box.clock.monotonic() < deadline:
        box.clock.sleep(0.02)
