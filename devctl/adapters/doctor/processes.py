"""Processes of this machine, read from /proc: who listens on a port, which watchers of ours live."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from devctl.domain.failures.listeners import listening
from devctl.domain.numbers import whole

PROC = Path("/proc")


def listener(port: int) -> str:
    """`python3 (pid 123)`; a process that is not ours to look into stays unnamed."""
    wanted = {f"socket:[{inode}]" for inode in _sockets(port)}
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
    """This user's. One in a container is seen from the host too, but means folders of its own file system."""
    found: dict[int, Path] = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            if not _lives_here(PROC / str(pid)):
                continue
            words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if {"devctl", "watch-daemon", "--project"} <= set(words):
                found[pid] = Path(words[words.index("--project") + 1])
    return found


def _lives_here(process: Path) -> bool:
    """Whether it is of our user and sees the files and processes that we see. OSError where we may not know."""
    mine = PROC / "self"
    return process.stat().st_uid == os.geteuid() and all(
        (process / "ns" / kind).readlink() == (mine / "ns" / kind).readlink() for kind in ("mnt", "pid")
    )


def _sockets(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            rows = listening((PROC / "net" / table).read_text())
            yield from (inode for _, open_port, inode in rows if open_port == port)


def _pids() -> Iterator[int]:
    yield from (pid for entry in os.scandir(PROC) if (pid := whole(entry.name)) is not None)
