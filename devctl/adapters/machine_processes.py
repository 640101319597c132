"""Processes of this machine, read from /proc: who listens on a port, which watchers of ours live."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"


def listener(port: int) -> str:
    """`python3 (pid 123)`; a process that is not ours to look into stays unnamed."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    if not wanted:
        return ""
    for pid in _pids():
        with contextlib.suppress(OSError):
            for handle in os.scandir(PROC / str(pid) / "fd"):
                if str(Path(handle.path).readlink()) in wanted:
                    name = (PROC / str(pid) / "comm").read_text().strip()
                    return f"{name} (pid {pid})"
    return "a process of another user"


def watchers() -> Mapping[int, Path]:
    found: dict[int, Path] = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if {"devctl", "watch-daemon", "--project"} <= set(words):
                found[pid] = Path(words[words.index("--project") + 1])
    return found


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                    yield words[9]


def _pids() -> Iterator[int]:
    yield from (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdecimal())
