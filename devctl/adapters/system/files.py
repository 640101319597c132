"""The project's folder: reading, atomic writing, the project lock."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from devctl.adapters.inputs import asked
from devctl.adapters.system import beneath, locks, regular_file
from devctl.adapters.system.border import bordered
from devctl.adapters.system.state_folder import SystemStateFolder, open_state_file
from devctl.domain.ports.files import Holder
from devctl.domain.project.private_notes import Asked
from devctl.domain.project.state_folder import LOCK, STATE_FOLDER
from devctl.errors import DevctlError, MachineError

_EVENTLESS = ("9p", "drvfs", "fuse.", "cifs", "smb", "nfs", "vboxsf", "virtiofs", "prl_fs", "afs", "ncpfs")
"""Kinds of mounts that do not report a save made elsewhere (WSL#4739, nfs, ...)."""
_SOURCE = (".go", ".tmpl", ".html", ".tpl", ".sql", ".css", ".js")
_BUILT = (".go", "go.mod")
_READ_FOR_GO = (*_BUILT, ".templ", "package.json")
NOT_SOURCE = frozenset({"vendor", "node_modules", "testdata", "tmp"})


@bordered(
    writes=(
        "write_atomic",
        "make_folder",
        "append",
        "temporary_folder",
        "remove_folder",
        "state_dir",
        "lock",
        "hold",
    )
)
class SystemFiles:
    """`Files` on the file system."""

    def read_text(self, path: Path, *, within: Path | None) -> str | None:
        data = self.read_bytes(path, within=within)
        return None if data is None else data.decode(errors="replace")

    def read_bytes(self, path: Path, *, within: Path | None) -> bytes | None:
        try:
            if within is None:
                return regular_file.read_bytes(path)
            return beneath.read_bytes(path, within=within)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def write_atomic(
        self,
        path: Path,
        text: str,
        *,
        within: Path,
        owner: tuple[int, int] | None = None,
        mode: int = 0o644,
    ) -> bool:
        return beneath.write(within, path, text.encode(), mode=mode, owner=owner)

    def make_folder(self, folder: Path, *, within: Path, owner: tuple[int, int] | None) -> None:
        beneath.make_folder(within, folder, owner=owner)

    def append(self, path: Path, text: str, *, within: Path) -> None:
        beneath.append(within, path, text.encode())

    def temporary_folder(self, prefix: str) -> Path:
        # Not mkdtemp: with `_` at either end of a word, its names are not valid image names.
        import secrets
        import tempfile

        folder = Path(tempfile.gettempdir()).resolve() / f"{prefix}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        return folder

    def remove_folder(self, path: Path) -> bool:
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()

    def exists(self, path: Path) -> bool:
        return asked.exists(path)

    def gone(self, path: Path) -> bool:
        asked.exists(path)
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def is_dir(self, path: Path) -> bool:
        return asked.is_dir(path)

    def names(self, folder: Path) -> Sequence[str]:
        return asked.names(folder) if self.is_dir(folder) else []

    def real(self, path: str) -> str:
        found = os.path.realpath(path)
        if found != path:  # what takes the place of anything else has another kind, size or time
            asked.note("real", path, found)
        return found

    def identity(self, folder: Path) -> str:
        # If a container has it mounted, the kernel does not release it, and reuses its inode number for nothing else. The
        # device number is not used, since it may change when the machine restarts.
        return f"{folder.stat().st_ino:x}"

    def owner(self, path: Path) -> tuple[int, int]:
        facts = path.stat()
        asked.note("owner", path, [facts.st_uid, facts.st_gid])
        return facts.st_uid, facts.st_gid

    def permissions(self, path: Path) -> tuple[int, int, int] | None:
        try:
            facts = path.stat()
        except OSError:
            return None
        return stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid

    def stamp(self, path: Path) -> list[int] | None:
        try:
            facts = path.stat()
        except OSError:
            return None
        return [facts.st_mtime_ns, facts.st_size]

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        from devctl.adapters.system.tree_fingerprint import fingerprint

        lines = list(without)
        found = fingerprint(root, without=lines)
        asked.note("tree", root, found, "\n".join(lines))
        return found

    def recording(self) -> AbstractContextManager[None]:
        return asked.recording()

    def recorded(self) -> tuple[Asked, ...]:
        return asked.recorded()

    def same(self, questions: Iterable[Asked]) -> bool:
        others: Mapping[str, Callable[[str, str], Any]] = {
            "go": lambda path, _how: go_digest(path),
            "owner": lambda path, _how: list(self.owner(Path(path))),
            "closed": lambda path, _how: list(self.closed(Path(path))),
            # One that cannot be determined is none: what was made of it may differ.
            "tree": lambda path, how: self.tree(Path(path), without=how.split("\n")) or "unknown",
        }
        return asked.same(questions, others)

    def go_files(self, root: Path) -> Sequence[tuple[str, float]]:
        found: list[tuple[str, float]] = []
        for folder, _, files in _source_folders(root):
            for name in files:
                if name.endswith(("go.mod", *_SOURCE)):
                    path = Path(folder, name)
                    with contextlib.suppress(OSError):
                        found.append((str(path.relative_to(root)), path.stat().st_mtime))
        return found

    def sources(self, root: Path, *, without: Collection[str]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        from devctl.domain.gotest.affected import MANIFESTS

        found: dict[str, dict[str, tuple[int, int]]] = {}
        for folder, names, files in regular_file.walk(root):
            here = os.path.relpath(folder, root)
            data = "testdata" in Path(here).parts
            names[:] = sorted(
                n
                for n in names
                if data or n == "testdata" or (n not in NOT_SOURCE and not n.startswith("."))
                if os.path.normpath(f"{here}/{n}") not in without
            )
            mine = found[here] = {}
            for name in files:
                if data or name.endswith(_SOURCE) or name in MANIFESTS:
                    with contextlib.suppress(OSError):
                        facts = Path(folder, name).stat()
                        mine[name] = facts.st_mtime_ns, facts.st_size
        return found

    def newer(self, paths: Iterable[Path], *, than: int) -> Path | None:
        now = time.time_ns()  # a file from tomorrow would be newer than every build until then
        for path in paths:
            folders = () if path.is_symlink() else regular_file.walk(path)
            below = [Path(folder, name) for folder, _, files in folders for name in files]
            for file in below or [path]:
                with contextlib.suppress(OSError):
                    if than < file.lstat().st_mtime_ns <= now:
                        return file
        return None

    def closed(self, root: Path) -> Sequence[str]:
        """Folders, up to three levels deep, that the project's owner may not read: usually a database's data."""
        owner = root.stat().st_uid
        found, waiting = [], [(root, 0)] if owner != 0 else []
        while waiting:
            folder, depth = waiting.pop()
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if (
                        entry.name[0] == "."
                        or entry.name in NOT_SOURCE
                        or not entry.is_dir(follow_symlinks=False)
                    ):
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    if facts.st_uid != owner and facts.st_mode & 0o5 != 0o5:
                        found.append(Path(entry.path).relative_to(root).as_posix())
                    elif depth < 2:
                        waiting.append((Path(entry.path), depth + 1))
        asked.note("closed", root, sorted(found))
        return sorted(found)

    @contextlib.contextmanager
    def lock(
        self, root: Path, *, command: str, timeout: float, waiting: Callable[[Holder], None]
    ) -> Iterator[None]:
        # The folder itself is locked: unlike a file in it, it cannot be deleted and recreated behind the holder's back.
        waits = locks.Waiting(lambda: self._holder(root), waiting)
        handle = locks.take(root, lambda: _project(root), patience=timeout, waiting=waits)
        if handle is None:
            raise locks.given_up(self._holder(root), timeout)
        state = SystemStateFolder()
        try:
            with contextlib.suppress(MachineError):  # a full disk must not prevent `down`
                state.make(root)
                state.put(root, LOCK, locks.note(command))
            try:
                yield
            finally:
                with contextlib.suppress(OSError, DevctlError):
                    state.remove(root, LOCK)
        finally:
            os.close(handle)

    def lock_holder(self, root: Path) -> Holder | None:
        try:
            taken = locks.held(lambda: _project(root))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:  # another user's project: as far as can be seen it is running
            return Holder()
        return self._holder(root) if taken else None

    def _holder(self, root: Path) -> Holder:
        return locks.holder(SystemStateFolder().text(root, LOCK))

    @contextlib.contextmanager
    def hold(self, root: Path, name: str, *, note: str = "") -> Iterator[bool]:
        path = root / STATE_FOLDER / name
        handle = locks.take(path, lambda: open_state_file(root, name, os.O_RDWR | os.O_CREAT), patience=0)
        if handle is None:
            yield False
            return
        try:
            os.ftruncate(handle, 0)
            os.write(handle, note.encode())
            yield True
        finally:
            os.close(handle)

    def held(self, root: Path, name: str) -> bool:
        try:
            return locks.held(lambda: open_state_file(root, name, os.O_RDONLY))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError:
            return True  # another user's, who may be working on it

    def eventless(self, path: Path) -> str | None:
        kind = mount_kind(path, self.read_text(Path("/proc/mounts"), within=None) or "")
        return kind if kind.startswith(_EVENTLESS) else None


def _source_folders(root: Path | str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each folder that may contain source, and the names of its folders and files."""
    for folder, names, files in regular_file.walk(root):
        names[:] = sorted(n for n in names if n not in NOT_SOURCE and not n.startswith("."))
        yield folder, names, files


def go_digest(root: str) -> str:
    """Of the Go files below `root`, except in vendored, hidden and state folders: their names, and of those that a build reads the
    sizes and times of change; of links to folders, which may lead to more; and of names that say how code is generated."""
    digest = 0  # not with hashlib, which takes 5 ms to import: a change has to be noticed, not proven
    for folder, names, files in _source_folders(root):
        here = [folder, *(name for name in names if os.path.islink(f"{folder}/{name}"))]  # noqa: PTH114
        for name in sorted(n for n in files if n.endswith(_READ_FOR_GO)):
            here.append(name)
            if name.endswith(_BUILT) and not name.endswith("_test.go"):
                with contextlib.suppress(OSError):
                    facts = os.stat(f"{folder}/{name}")  # noqa: PTH116
                    here.append(f"{facts.st_mtime_ns} {facts.st_size}")
        digest = zlib.crc32("\0".join(here).encode(errors="surrogateescape"), digest)
    return f"{digest:08x}"


def mount_kind(path: Path, mounts: str) -> str:
    """The file system of `path`, according to /proc/mounts; "" if that does not say."""
    best, kind = "", ""
    for line in mounts.split("\n"):
        words = line.split(" ")
        if len(words) < 3:
            continue
        _, point, fs, *_ = words
        point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fs
    return kind


def _project(root: Path) -> int:
    return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
