"""Files below a project, where code in a container may write at any time: nothing is opened, changed or created through a link
that leads out.

Between a check and its use, a link can take the place of a file, or of a folder above it. So nothing here uses whole paths:
each name is opened in its open parent folder (openat). Writes never go through a link. Reads follow links as long as they stay
below the folder, since many repositories have them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from types import TracebackType

from msgspec import Struct

from devctl.adapters.inputs import asked
from devctl.adapters.system import regular_file
from devctl.adapters.system.regular_file import LIMIT, Unreadable, kind_of, read_all, refuse_unless_regular

SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_TOP = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | SAFE
# A folder on the way need not be readable.
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | SAFE
# The thing itself, even a link or a device, without opening it. Root handles files of a project only on Linux.
_ITSELF = getattr(os, "O_PATH", os.O_RDONLY) | SAFE
_ELSE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.EMLINK})
"""The errors with which opening with these flags refuses a link, something that is not a folder, a folder, a FIFO without a
reader or a socket."""
_HOPS = 40
"""Links on the way to one file; the kernel's own limit."""


class Unsafe(OSError):
    """Something blocks a write; `name`: its path below the root, `kind`: what it is, `wanted`: what it should be."""

    def __init__(self, root: Path | str, name: str, kind: str, wanted: str) -> None:
        super().__init__(errno.EINVAL, f"{name} is {kind}, not {wanted}", str(Path(root, name)))
        self.name, self.kind, self.wanted = name, kind, wanted


def relative(path: Path | str, root: Path | str) -> str | None:
    """`path` as written, below `root`; None if it is written as one outside. Links are not examined."""
    plain, top = os.path.normpath(path), os.path.normpath(root)
    if plain == top:
        return ""
    prefix = top if top.endswith("/") else f"{top}/"
    return plain[len(prefix) :] if plain.startswith(prefix) else None


# Reading


def read_bytes(path: Path | str, *, within: Path | str, limit: int = LIMIT) -> bytes:
    """The content of a regular file below `within`, unless a link on the way leads out of it.

    A path that is written as one outside (`replace example.com/lib => ../lib`) involves no link, and is read normally.

    Raises OSError, which names `path`: `Unreadable` for anything but a regular file, larger than `limit`, or linked out.
    """
    name = relative(path, within)
    if name is None:
        return regular_file.read_bytes(os.path.normpath(path), limit=limit)
    with Beneath(within) as tree:
        return tree.read(name, limit=limit)


class Beneath:
    """Reads many files below a folder: folders opened on the way to one are kept open for the next."""

    def __init__(self, root: Path | str, *, noted: bool = True) -> None:
        """`noted`: whether each file counts as one that was asked for (`adapters/inputs/asked.py`)."""
        self._root, self._noted = os.fspath(root), noted
        self._way: list[tuple[str, int]] = []
        """The open folders, each opened in the one before it, by their names; the root comes first."""

    def __enter__(self) -> Beneath:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._back_to(0)

    def read(self, name: str, *, limit: int = LIMIT) -> bytes:
        """`name`: a path relative to the folder. Otherwise like `read_bytes`."""
        path = f"{self._root}/{name}"
        if self._noted:
            asked.will_read(path)
        try:
            handle = self._open(name, path, limit)
        except OSError as error:
            error.filename = path
            raise
        try:
            refuse_unless_regular(path, os.fstat(handle), limit)
            return read_all(handle, path, limit)
        finally:
            os.close(handle)

    def _open(self, name: str, path: str, limit: int) -> int:
        if not self._way:
            self._way.append(("", os.open(self._root, _THROUGH & ~os.O_NOFOLLOW)))
        parts, hops = _parts(name), 0
        both = zip((folder for folder, _ in self._way[1:]), parts[:-1], strict=False)
        same = sum(1 for _ in takewhile(lambda names: names[0] == names[1], both))
        self._back_to(1 + same)
        waiting = parts[same:][::-1]
        while waiting:
            part, above = waiting.pop(), self._way[-1][1]
            if part == "..":
                if len(self._way) == 1:
                    raise Unreadable(path, "it is behind a link that leads out of the project")
                self._back_to(len(self._way) - 1)
                continue
            facts = os.stat(part, dir_fd=above, follow_symlinks=False)
            if stat.S_ISLNK(facts.st_mode):
                hops += 1
                if hops > _HOPS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                waiting += reversed(self._target(os.readlink(part, dir_fd=above), path))
            elif waiting:
                self._way.append((part, os.open(part, _THROUGH, dir_fd=above)))
            else:
                refuse_unless_regular(path, facts, limit)
                return os.open(part, os.O_RDONLY | SAFE, dir_fd=above)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)

    def _back_to(self, depth: int) -> None:
        while len(self._way) > depth:
            os.close(self._way.pop()[1])

    def _target(self, target: str, path: str) -> list[str]:
        """The names that a link stands for. An absolute link starts at the top, if it leads back into the folder."""
        depth, parts = len(self._way) - 1, _parts(target)
        if target.startswith("/"):
            inside = (relative(target, root) for root in (self._root, os.path.realpath(self._root)))
            name = next((name for name in inside if name is not None), None)
            if name is None:
                raise Unreadable(path, f"it is a link that leads out of the project, to {target}")
            self._back_to(1)
            return _parts(name)
        for part in parts:
            depth += -1 if part == ".." else 1
            if depth < 0:
                raise Unreadable(path, f"it is a link that leads out of the project, to {target}")
        return parts


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


# Writing


Owner = tuple[int, int]
"""uid and gid of the new owner, if root writes it."""


@contextlib.contextmanager
def folder(
    root: Path | str,
    parts: Sequence[str],
    *,
    made: Callable[[int, bool], None] | None = None,
    mode: int = 0o700,
) -> Iterator[int]:
    """A folder below `root`, each one on the way opened in its parent and never through a link.

    `made`: missing folders are created, with `mode`; it is called with each folder and whether it was created. Raises Unsafe,
    and OSError like os.open.
    """
    handle = os.open(root, _TOP)
    try:
        for depth in range(len(parts)):
            name = "/".join(parts[: depth + 1])
            below, new = _subfolder(handle, root, name, mode if made is not None else None)
            os.close(handle)
            handle = below
            if made is not None:
                made(handle, new)
        yield handle
    finally:
        os.close(handle)


def _subfolder(above: int, root: Path | str, name: str, mode: int | None) -> tuple[int, bool]:
    part, new = name.rpartition("/")[2], False
    with refusing(root, name, above, "a folder"):
        try:
            handle = os.open(part, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            if mode is None:
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, mode, dir_fd=above)
                new = True
            handle = os.open(part, _FOLDER, dir_fd=above)
    return handle, new


def open_regular(above: int, root: Path | str, name: str, flags: int) -> int:
    """The regular file `name`, whose last part is in the open folder `above`; created with mode 0600 by O_CREAT.

    Raises Unsafe for anything else, and OSError like os.open. O_TRUNC truncates only what was found to be a regular file.
    """
    part = name.rpartition("/")[2]
    refuse(above, root, name)
    with refusing(root, name, above, "a regular file"):
        handle = os.open(part, flags & ~os.O_TRUNC | SAFE, 0o600, dir_fd=above)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise Unsafe(root, name, kind_of(mode), "a regular file")
        if flags & os.O_TRUNC:
            os.ftruncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def refuse(above: int, root: Path | str, name: str) -> None:
    """Checked before opening: opening a device may already do something."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(name.rpartition("/")[2], dir_fd=above, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            raise Unsafe(root, name, kind_of(mode), "a regular file")


@contextlib.contextmanager
def refusing(root: Path | str, name: str, above: int, wanted: str) -> Iterator[None]:
    """What opening refuses because of its kind becomes Unsafe, which says what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ELSE:
            raise
        mode = os.stat(name.rpartition("/")[2], dir_fd=above, follow_symlinks=False).st_mode
        raise Unsafe(root, name, kind_of(mode) or "a file", wanted) from None


def replace(above: int, part: str, data: bytes, *, mode: int, owner: Owner | None) -> None:
    """Write a whole file in the open folder `above`: under a random name that nobody can have taken, then by rename."""
    temporary = f".{part[:100]}.{os.urandom(8).hex()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE, 0o600, dir_fd=above)
    try:
        with os.fdopen(handle, "wb") as sink:
            if owner is not None and os.geteuid() == 0:
                os.fchown(handle, *owner)
            os.fchmod(handle, mode)
            sink.write(data)
        os.rename(temporary, part, src_dir_fd=above, dst_dir_fd=above)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=above)
        raise


def write(root: Path | str, path: Path | str, data: bytes, *, mode: int, owner: Owner | None) -> bool:
    """Write a whole file below `root`, creating missing folders; return whether the content changed.

    Raises Unsafe if a link, or anything else that is neither a folder nor a regular file, is in the way.
    """
    *folders, part = parts = _below(root, path)
    with folder(root, folders, made=_given_to(owner), mode=0o777) as above:
        refuse(above, root, "/".join(parts))
        if _holds(above, root, "/".join(parts), data):
            return False
        replace(above, part, data, mode=mode, owner=owner)
    return True


@contextlib.contextmanager
def _opened(root: Path | str, path: Path | str, flags: int) -> Iterator[tuple[int, int, str]]:
    """An existing regular file, its open parent folder, and its name below `root`. Raises Unsafe."""
    name = "/".join(_below(root, path))
    with folder(root, name.split("/")[:-1]) as above:
        handle = open_regular(above, root, name, flags)
        try:
            yield handle, above, name
        finally:
            os.close(handle)


def append(root: Path | str, path: Path | str, data: bytes) -> None:
    """To an existing file. Raises Unsafe, also for another user's file that has a hard link elsewhere."""
    with _opened(root, path, os.O_WRONLY | os.O_APPEND) as (handle, _, name):
        _refuse_shared(handle, root, name)
        with os.fdopen(handle, "ab", closefd=False) as sink:
            sink.write(data)


def rewrite(root: Path | str, path: Path | str, change: Callable[[bytes], bytes]) -> None:
    """Change a file of at most LIMIT bytes and write it whole, keeping its mode and owner."""
    with _opened(root, path, os.O_RDONLY) as (handle, above, name):
        facts = os.fstat(handle)
        data = change(read_all(handle, Path(root, name), LIMIT))
        owner, part = (facts.st_uid, facts.st_gid), name.rpartition("/")[2]
        replace(above, part, data, mode=facts.st_mode & 0o777, owner=owner)


def change_mode(root: Path | str, path: Path | str, change: Callable[[int], int]) -> None:
    """Raises Unsafe like `append`."""
    with _opened(root, path, os.O_RDONLY) as (handle, _, name):
        _refuse_shared(handle, root, name)
        os.fchmod(handle, change(os.fstat(handle).st_mode & 0o777))


def _refuse_shared(handle: int, root: Path | str, name: str) -> None:
    facts = os.fstat(handle)
    if facts.st_nlink > 1 and facts.st_uid != Path(root).stat().st_uid:
        raise Unsafe(root, name, "a hard link to a file of another user", "a file of its own")


def make_folder(root: Path | str, path: Path | str, *, owner: Owner | None, mode: int = 0o777) -> None:
    """Create a folder below `root`, and its parents, unless something of that name exists. Raises Unsafe."""
    with folder(root, _below(root, path), made=_given_to(owner), mode=mode):
        pass


def remove_folder(root: Path | str, path: Path | str) -> None:
    """Remove a folder below `root` with its content, as far as possible."""
    *folders, part = _below(root, path)
    with contextlib.suppress(OSError), folder(root, folders) as above:
        shutil.rmtree(part, ignore_errors=True, dir_fd=above)


def _below(root: Path | str, path: Path | str) -> list[str]:
    name = relative(path, root)
    if not name:
        raise Unsafe(root, str(path), "a path out of the project", "one inside")
    return name.split("/")


def _given_to(owner: Owner | None) -> Callable[[int, bool], None]:
    def given(handle: int, new: bool) -> None:
        if new and owner is not None and os.geteuid() == 0:
            os.fchown(handle, *owner)

    return given


def _holds(above: int, root: Path | str, name: str, data: bytes) -> bool:
    try:
        handle = open_regular(above, root, name, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return os.fstat(handle).st_size == len(data) and read_all(handle, name, len(data)) == data
    except Unreadable:  # it grew
        return False
    finally:
        os.close(handle)


# Examining a whole tree, and changing its owner


class Entry(Struct, frozen=True):
    """`name` relative to the root; its last part is in the open folder `above` while the walk is there."""

    name: str
    above: int
    facts: os.stat_result

    @property
    def part(self) -> str:
        return self.name.rpartition("/")[2]


def walk(root: Path | str, *, limit: int, passed_over: Collection[str]) -> Iterator[Entry]:
    """What is below, at most `limit` entries. Links are not followed; unreadable folders are skipped."""
    waiting: list[str] = [""]
    while waiting:
        at = waiting.pop()
        with contextlib.suppress(OSError), folder(root, _parts(at)) as above, os.scandir(above) as entries:
            for entry in entries:
                if limit <= 0:
                    return
                limit -= 1
                name = f"{at}/{entry.name}" if at else entry.name
                facts = entry.stat(follow_symlinks=False)
                yield Entry(name, above, facts)
                # A path longer than the kernel's limit cannot be used by anyone.
                if stat.S_ISDIR(facts.st_mode) and entry.name not in passed_over and len(name) < 4000:
                    waiting.append(name)


def may_be_given_away(facts: os.stat_result) -> bool:
    """A device is a right in itself, and a file with a hard link may be one outside the project."""
    if stat.S_ISBLK(facts.st_mode) or stat.S_ISCHR(facts.st_mode):
        return False
    return stat.S_ISDIR(facts.st_mode) or facts.st_nlink == 1


def give(entry: Entry, owner: Owner) -> None:
    """Change the owner of what was examined, for a link that of the link itself; whatever has taken its place since is left
    alone."""
    handle = os.open(entry.part, _ITSELF, dir_fd=entry.above)
    try:
        facts = os.fstat(handle)
        if os.path.samestat(facts, entry.facts) and may_be_given_away(facts):
            os.chown(f"/proc/self/fd/{handle}", *owner)  # fchown takes no O_PATH
    finally:
        os.close(handle)
