"""Opens files that somebody may have planted: regular files only, limited in size, never blocking, never through a link
unasked.

Code in a dev container can write anything into the mounted project. A FIFO there blocks whoever opens it, `/dev/zero` never
ends, a link leads out of the project; opening a device may already do something (a watchdog, a tape).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from devctl.adapters.inputs import asked

LIMIT = 16_000_000
"""Bytes. No source file, manifest or configuration file written by a person is larger."""
_OPEN = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Unreadable(OSError):
    """A file that exists and is not read; `strerror` says why ("it is a FIFO, …"), as with every OSError."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(errno.EINVAL, why, str(path))


def kind_of(mode: int) -> str:
    """What kind of file it is, by its mode: "" for a regular one."""
    return next((kind for holds, kind in _KINDS if holds(mode)), "")


def read_bytes(path: Path | str, *, limit: int = LIMIT) -> bytes:
    """The content of a regular file, following links: for places where no container writes. For a project's files: `beneath`.

    Raises OSError, which names `path`: `Unreadable` for anything but a regular file, or one larger than `limit`.
    """
    asked.will_read(path)
    facts, opened = os.lstat(path), path
    if stat.S_ISLNK(facts.st_mode):
        opened, facts = os.path.realpath(path), Path(path).stat()  # only stat reports a loop of links
    refuse_unless_regular(path, facts, limit)
    handle = os.open(opened, os.O_RDONLY | _OPEN)
    try:
        refuse_unless_regular(path, os.fstat(handle), limit)
        return read_all(handle, path, limit)
    finally:
        os.close(handle)


def refuse_unless_regular(path: Path | str, facts: os.stat_result, limit: int) -> None:
    """Raises IsADirectoryError, and Unreadable for anything but a regular file or for one larger than `limit`."""
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable(path, f"it is {kind_of(facts.st_mode)}, not a regular file")
    if facts.st_size > limit:
        raise _too_large(path, limit)


def _too_large(path: Path | str, limit: int) -> Unreadable:
    return Unreadable(path, f"it is larger than {limit / 1_000_000:g} MB")


def read_all(handle: int, path: Path | str, limit: int) -> bytes:
    """The content of an open file; limited even if it grows meanwhile."""
    parts: list[bytes] = []
    left = limit
    while data := os.read(handle, min(left + 1, 1 << 20)):
        parts.append(data)
        left -= len(data)
        if left < 0:
            raise _too_large(path, limit)
    return b"".join(parts)


def walk(root: Path | str, *, noted: bool = False) -> Iterator[tuple[str, list[str], list[str]]]:
    """Like `os.walk` (top down, links not followed, unreadable folders skipped), for trees of any depth: that of Python 3.11
    recurses, and ends in RecursionError. Nor does it leave the tree if a link takes the place of a folder meanwhile.

    `noted`: each folder counts as listed (`adapters/inputs/asked.py`).
    """
    waiting: list[tuple[str, os.stat_result | None]] = [(str(root), None)]
    while waiting:
        folder, seen = waiting.pop()
        try:
            names, files, below = _listed(folder, seen)
        except OSError:
            continue
        if noted:
            asked.note_names(folder, (*names, *files))
        yield folder, names, files
        waiting += [(f"{folder}/{name}", below[name]) for name in reversed(names) if name in below]


def _listed(
    folder: str, seen: os.stat_result | None
) -> tuple[list[str], list[str], dict[str, os.stat_result]]:
    """Folders, files, and the folders that are not links. `seen`: the exact folder that is meant; OSError if it is no longer
    there."""
    names: list[str] = []
    files: list[str] = []
    below: dict[str, os.stat_result] = {}
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if seen is not None and not os.path.samestat(os.fstat(handle), seen):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        with os.scandir(handle) as entries:
            for entry in entries:
                (names if _is_folder(entry) else files).append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    below[entry.name] = entry.stat(follow_symlinks=False)
    finally:
        os.close(handle)
    return names, files, below


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False
