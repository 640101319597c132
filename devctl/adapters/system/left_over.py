"""Programs that a devctl which was killed left running: found by a mark in their environment, and ended by whoever holds the
project's lock next.

A mark is inherited, so a plugin of docker's is found whose docker has ended; and what carries one cannot be mistaken for
another process by its number. The processes that get it: those that change what runs (`docker compose build`, `up`, `down`).
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
"""Seconds for what was killed to be gone."""


def work_mark(root: Path) -> Mapping[str, str]:
    """The variable for a program that works on the project in `root` for this process: project, process and session."""
    with contextlib.suppress(OSError, IndexError):
        return {WORK: f"{_project(root)} {process_mark(os.getpid())} {os.getsid(0)}"}
    return {}


def end_left_over(root: Path) -> None:
    """Kill what carries a mark of this project whose process has ended, and wait until it is gone.

    Nobody waits for its result, and what it was about to do the caller undoes. Left alone: what made itself a session of its
    own (a connection that ssh keeps), and what sees other processes than we do (a devctl in a container). Without a /proc
    (macOS) nothing is found.
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
    """A descriptor of the process, once it was killed; None where it is none of ours."""
    if not _is_left_over(pid, project):
        return None
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # it has ended
        return None
    with contextlib.suppress(OSError):
        if _is_left_over(pid, project):  # the one that is open, and no other of its number
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
