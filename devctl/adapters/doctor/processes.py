"""Processes of this machine, read from /proc: who listens on a port, which of devctl's watchers are alive."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from devctl.adapters.system.identity import PROC, lives_here, pids
from devctl.domain.failures.listeners import listening


def listener(port: int) -> str:
    """`python3 (pid 123)`; a process that this user may not inspect stays unnamed."""
    wanted = {f"socket:[{inode}]" for inode in _sockets(port)}
    if not wanted:
        return ""
    for pid in pids():
        with contextlib.suppress(OSError):
            for handle in os.scandir(PROC / str(pid) / "fd"):
                if str(Path(handle.path).readlink()) in wanted:
                    name = (PROC / str(pid) / "comm").read_text().strip()
                    return f"{name} (pid {pid})"
    return "a process of another user"


def watchers() -> Mapping[int, Path]:
    """Those of this user. One in a container is visible from the host too, but refers to folders in its own file system."""
    found: dict[int, Path] = {}
    for pid in pids():
        with contextlib.suppress(OSError):
            if not lives_here(pid, "mnt", "pid"):
                continue
            words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if {"devctl", "watch-daemon", "--project"} <= set(words):
                found[pid] = Path(words[words.index("--project") + 1])
    return found


def _sockets(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            rows = listening((PROC / "net" / table).read_text())
            yield from (inode for _, open_port, inode in rows if open_port == port)
