"""Programs left running by a devctl that was killed: found by a mark in their environment, and killed by the next holder of
the project's lock.

A mark is inherited, so a docker plugin whose docker has ended is found too, and a process with a mark cannot be confused with
another one that has the same pid. It is given to the programs that change what runs (`docker compose build`, `up`, `down`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from devctl.adapters.system.identity import PROC, lives_here, pids, process_ended, process_mark

WORK = "DEVCTL_WORK"
ENDS_WITHIN = 10.0
"""Seconds for killed processes to disappear."""


def work_mark(root: Path) -> Mapping[str, str]:
    """The variable for a program that works on the project in `root` for this process: project, process and session."""
    with contextlib.suppress(OSError, IndexError):
        return {WORK: f"{_project(root)} {process_mark(os.getpid())} {os.getsid(0)}"}
    return {}


def end_left_over(root: Path) -> None:
    """Kill the processes with a mark of this project whose own process has ended, and wait until they are gone.

    Nobody waits for their result, and the caller undoes what they were about to do. Left alone are processes that started
    their own session (a connection that ssh keeps), and those that see other processes than this one (a devctl in a
    container). Without /proc (macOS) nothing is found.
    """
    killed = [handle for handle in (_killed(pid, _project(root)) for pid in pids()) if handle is not None]
    try:
        deadline = time.monotonic() + ENDS_WITHIN
        for handle in killed:
            select.select([handle], [], [], max(deadline - time.monotonic(), 0))
    finally:
        for handle in killed:
            os.close(handle)


def _killed(pid: int, project: str) -> int | None:
    """A descriptor of the process, once it was killed; None if it does not belong to devctl."""
    if not _is_left_over(pid, project):
        return None
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # it has ended
        return None
    with contextlib.suppress(OSError):
        if _is_left_over(pid, project):  # the process that is open, and no other with its pid
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return handle
    os.close(handle)
    return None


def _is_left_over(pid: int, project: str) -> bool:
    try:
        if not lives_here(pid, "pid"):
            return False
        words = _mark_of(pid).split(" ")
        mine = len(words) == 3 and words[0] == project and process_ended(words[1])
        return mine and str(os.getsid(pid)) == words[2]
    except OSError:
        return False


def _mark_of(pid: int) -> str:
    head = f"{WORK}=".encode()
    found = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return next(
        (entry[len(head) :].decode(errors="replace") for entry in found if entry.startswith(head)), ""
    )


def _project(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
