"""`.devctl/` on the file system: closed to others; nothing planted there leads out of it, blocks, or is endless."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from devctl.adapters.system import beneath
from devctl.adapters.system.border import bordered
from devctl.adapters.system.regular_file import Unreadable, read_all
from devctl.domain.ports.state_folder import Position, StateFolder
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import FilesError, MachineError

_REMEDY = {
    errno.ENOSPC: "df -h . shows the disk; free some space on it",
    errno.EDQUOT: "quota shows your limit; free some space",
    errno.EROFS: "copy the project to a writable folder: devctl keeps its state in the project's .devctl/",
}
LIMIT = 4_000_000
"""Bytes of a note, and of a growing file, that are read and kept."""


@bordered(writes=("make", "put", "remove", "append", "begin", "bound"))
class SystemStateFolder(StateFolder):
    """`StateFolder` on the file system."""

    def make(self, root: Path) -> Path:
        self.put(root, ".gitignore", "*\n")
        return root / STATE_FOLDER

    def text(self, root: Path, name: str) -> str | None:
        try:
            handle = open_state_file(root, name, os.O_RDONLY)
        except (FileNotFoundError, PermissionError):
            return None
        try:
            return read_all(handle, name, LIMIT).decode(errors="replace")
        except Unreadable:
            return None
        finally:
            os.close(handle)

    def put(self, root: Path, name: str, text: str) -> bool:
        if self.text(root, name) == text and _is_private(root, name):
            return False
        data, part = text.encode(errors="surrogateescape"), name.rpartition("/")[2]
        with _writing(root, name), _folder(root, name, make=True) as (folder, path):
            beneath.refuse(folder, root, path)
            beneath.replace(folder, part, data, mode=0o600, owner=_owner(root))
        return True

    def remove(self, root: Path, name: str) -> None:
        with (
            contextlib.suppress(FileNotFoundError),
            _writing(root, name),
            _folder(root, name) as (folder, path),
        ):
            beneath.refuse(folder, root, path)
            os.unlink(name.rpartition("/")[2], dir_fd=folder)

    def append(self, root: Path, name: str, text: str) -> None:
        with _writing(root, name):
            handle = open_state_file(root, name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with os.fdopen(handle, "a", encoding="utf-8") as sink:
                sink.write(text)

    def begin(self, root: Path, name: str) -> int:
        self.remove(root, name)
        with _writing(root, name):
            return open_state_file(root, name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def bound(self, root: Path, name: str) -> None:
        with contextlib.suppress(FileNotFoundError), _writing(root, name):
            handle = open_state_file(root, name, os.O_WRONLY)
            try:
                if os.fstat(handle).st_size > LIMIT:
                    os.ftruncate(handle, 0)  # its writers append, so their next line is the first
            finally:
                os.close(handle)

    def new_lines(self, root: Path, name: str, after: Position) -> tuple[Sequence[str], Position]:
        try:
            handle = open_state_file(root, name, os.O_RDONLY)
        except (FileNotFoundError, PermissionError):
            return (), Position()
        try:
            facts = os.fstat(handle)
            goes_on = after.file == facts.st_ino and after.offset <= facts.st_size
            start = after.offset if goes_on else 0
            if facts.st_size - start > LIMIT:
                start = facts.st_size - LIMIT  # in the middle of a line, which is not an event then
            data = os.pread(handle, facts.st_size - start, start)
        finally:
            os.close(handle)
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").splitlines()
        return lines, Position(facts.st_ino, start + len(whole))


def open_state_file(root: Path, name: str, flags: int) -> int:
    """A file descriptor of a regular file below `.devctl/`; with O_CREAT, missing folders are created too.

    Raises FilesError `state-folder-unsafe` for a link, a FIFO, a device, a socket or a folder, and OSError like `os.open`
    (FileNotFoundError, PermissionError). O_TRUNC truncates only what was found to be a regular file.
    """
    with _folder(root, name, make=bool(flags & os.O_CREAT)) as (folder, path):
        handle = beneath.open_regular(folder, root, path, flags)
    try:
        if flags & os.O_CREAT:
            _give(handle, root)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def _folder(root: Path, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open folder that contains the file `name`, and the path of that file below the project."""
    path = f"{STATE_FOLDER}/{name}"
    made = (lambda handle, new: _give(handle, root, mode=0o700)) if make else None
    try:
        with beneath.folder(root, path.split("/")[:-1], made=made) as handle:
            yield handle, path
    except beneath.Unsafe as error:
        raise FilesError(
            f"{error.name} is {error.kind}, not {error.wanted}, so devctl does not use it",
            code="state-folder-unsafe",
            hint=f"rm {'-r ' if error.kind == 'a folder' else ''}{error.name}; devctl recreates it",
            place=error.name,
        ) from None


def _give(handle: int, root: Path, *, mode: int = 0o600) -> None:
    """What devctl creates belongs to the project's owner and is closed to everyone else; earlier versions created it for all."""
    facts, owner = os.fstat(handle), _owner(root)
    if os.geteuid() == 0 and (facts.st_uid, facts.st_gid) != owner:
        os.fchown(handle, *owner)
    if stat.S_IMODE(facts.st_mode) != mode and os.geteuid() in (0, facts.st_uid):
        os.fchmod(handle, mode)


def _owner(root: Path) -> beneath.Owner:
    facts = root.stat()
    return facts.st_uid, facts.st_gid


def _is_private(root: Path, name: str) -> bool:
    path = root / STATE_FOLDER / name
    folder = (root / STATE_FOLDER).lstat()
    return not (path.lstat().st_mode | folder.st_mode) & 0o077


@contextlib.contextmanager
def _writing(root: Path, name: str) -> Iterator[None]:
    """A project that was moved away stays FileNotFoundError: none of it is recreated."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        place = f"{STATE_FOLDER}/{name}"
        raise MachineError(
            f"devctl cannot write to the project's state folder: {(error.strerror or str(error)).lower()}",
            code="state-folder-not-writable",
            hint=_REMEDY.get(
                error.errno or 0, f"ls -ld {STATE_FOLDER} shows its owner; run devctl as that user"
            ),
            place=place,
        ) from error
