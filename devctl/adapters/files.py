"""The project's folder: reading, atomic writing, the state folder, the project lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from devctl.errors import MachineError

STATE_DIR = ".devctl"
_EVENTLESS = ("9p", "drvfs", "fuse.", "cifs", "smb", "nfs", "vboxsf", "virtiofs", "prl_fs", "afs", "ncpfs")
"""Kinds of mounts on which a save made elsewhere is not told (WSL#4739, nfs, ...)."""
_NOT_SOURCE = frozenset({"vendor", "node_modules", "testdata", "tmp"})


class SystemFiles:
    """`Files` on the file system."""

    def read_text(self, path: Path) -> str | None:
        data = self.read_bytes(path)
        return None if data is None else data.decode(errors="replace")

    def read_bytes(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def write_atomic(
        self, path: Path, text: str, *, owner: tuple[int, int] | None = None, mode: int = 0o644
    ) -> bool:
        if self.read_text(path) == text:
            return False
        self.make_folder(path.parent, owner=owner)
        import tempfile

        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as sink:
                sink.write(text)
            Path(temporary).chmod(mode)
            if owner is not None and os.geteuid() == 0:
                os.chown(temporary, *owner)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return True

    def make_folder(self, folder: Path, *, owner: tuple[int, int] | None) -> None:
        if folder.exists():
            return
        self.make_folder(folder.parent, owner=owner)
        folder.mkdir(exist_ok=True)
        if owner is not None and os.geteuid() == 0:
            os.chown(folder, *owner)

    def append(self, path: Path, text: str) -> None:
        with path.open("a", encoding="utf-8") as sink:
            sink.write(text)
        _belongs_to_folder(path)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def temporary_folder(self, prefix: str) -> Path:
        # Not mkdtemp: its `_` at either end of a word makes no name of an image.
        import secrets
        import tempfile

        folder = Path(tempfile.gettempdir()).resolve() / f"{prefix}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        return folder

    def remove_folder(self, path: Path) -> bool:
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()

    def exists(self, path: Path) -> bool:
        return path.exists()

    def is_dir(self, path: Path) -> bool:
        return path.is_dir()

    def names(self, folder: Path) -> Sequence[str]:
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def owner(self, path: Path) -> tuple[int, int]:
        facts = path.stat()
        return facts.st_uid, facts.st_gid

    def modified(self, path: Path) -> float | None:
        try:
            return path.stat().st_mtime
        except OSError:
            return None

    def stamp(self, path: Path) -> list[int] | None:
        try:
            facts = path.stat()
        except OSError:
            return None
        return [facts.st_mtime_ns, facts.st_size]

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        from devctl.adapters.file_tree import fingerprint

        return fingerprint(root, without=without)

    def go_names(self, root: Path) -> str:
        names_of = zlib.crc32(
            b""
        )  # hashlib takes 5 ms to import, and a changed name has to be noticed, not proven
        for folder, names, files in os.walk(root):
            names[:] = sorted(n for n in names if n not in _NOT_SOURCE and not n.startswith("."))
            here = "\0".join([folder, *sorted(f for f in files if f.endswith(".go"))])
            names_of = zlib.crc32(here.encode(errors="surrogateescape"), names_of)
        return f"{names_of:08x}"

    def go_files(self, root: Path) -> Sequence[tuple[str, float]]:
        found: list[tuple[str, float]] = []
        for folder, names, files in os.walk(root):
            names[:] = [n for n in names if n not in _NOT_SOURCE and not n.startswith(".")]
            for name in files:
                if name.endswith((".go", ".tmpl", ".html", ".tpl", ".sql", ".css", ".js")):
                    path = Path(folder, name)
                    with contextlib.suppress(OSError):
                        found.append((str(path.relative_to(root)), path.stat().st_mtime))
        return found

    def closed(self, root: Path) -> Sequence[str]:
        """Folders, three levels deep, that the project's owner may not look into: a database's data, most often."""
        owner = root.stat().st_uid
        found, waiting = [], [(root, 0)] if owner != 0 else []
        while waiting:
            folder, depth = waiting.pop()
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if (
                        entry.name[0] == "."
                        or entry.name in _NOT_SOURCE
                        or not entry.is_dir(follow_symlinks=False)
                    ):
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    if facts.st_uid != owner and facts.st_mode & 0o5 != 0o5:
                        found.append(Path(entry.path).relative_to(root).as_posix())
                    elif depth < 2:
                        waiting.append((Path(entry.path), depth + 1))
        return sorted(found)

    def state_dir(self, root: Path) -> Path:
        folder = root / STATE_DIR
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)  # not its parents: a project that was moved away is not made again
            if os.geteuid() == 0:
                os.chown(folder, *self.owner(root))
        self.write_atomic(folder / ".gitignore", "*\n", owner=self.owner(root))
        return folder

    def lock(self, root: Path, *, command: str, timeout: float) -> AbstractContextManager[None]:
        return _lock(self.state_dir(root) / "lock", command, timeout)

    def hold(self, path: Path, *, note: str = "") -> AbstractContextManager[bool]:
        return _hold(path, note)

    def held(self, path: Path) -> bool:
        """Whether a living process holds the lock file: the kernel's word, no pid can lie."""
        if not path.exists():
            return False
        with path.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def eventless(self, path: Path) -> str | None:
        kind = mount_kind(path, self.read_text(Path("/proc/mounts")) or "")
        return kind if kind.startswith(_EVENTLESS) else None


def mount_kind(path: Path, mounts: str) -> str:
    """The file system that `path` lies on, by the lines of /proc/mounts; "" where they do not say."""
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


def _belongs_to_folder(path: Path) -> None:
    """What root makes in somebody's folder is theirs, as everything of the project is."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _hold(path: Path, note: str) -> Iterator[bool]:
    with path.open("a+", encoding="utf-8") as handle:
        _belongs_to_folder(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        handle.truncate(0)
        handle.write(note)
        handle.flush()
        yield True


@contextlib.contextmanager
def _lock(path: Path, command: str, timeout: float) -> Iterator[None]:
    # flock is given back by the kernel when its holder dies, so a stale lock cannot exist.
    deadline = time.monotonic() + timeout
    with path.open("a+", encoding="utf-8") as handle:
        _belongs_to_folder(path)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _locked(path, timeout) from None
                time.sleep(0.05)
        handle.seek(0)
        handle.truncate()
        handle.write(f"{command} {os.getpid()}\n")
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()


def _locked(path: Path, timeout: float) -> MachineError:
    holder = path.read_text(encoding="utf-8").split()
    who = f"`devctl {holder[0]}` (pid {holder[1]})" if len(holder) == 2 else "another devctl"
    return MachineError(
        f"{who} is working on this project and did not finish within {timeout:g} s",
        code="project-locked",
        hint="wait for it, or call again with a longer --timeout",
        place=".devctl/lock",
    )
