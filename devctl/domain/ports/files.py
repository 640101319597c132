"""The port for a project's folder: reading, writing whole, locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Holder(Struct, frozen=True):
    """Who holds a project's lock, and since when by this machine's clock; all empty where it did not say."""

    command: str = ""
    pid: int = 0
    since: str = ""

    def __str__(self) -> str:
        return (
            f"`devctl {self.command}` (pid {self.pid}, since {self.since})" if self.pid else "another process"
        )


class Files(Protocol):
    """The project's folder. Paths are absolute.

    `within`: the project. Code in a container may put a link or a FIFO anywhere in it, at any time. Reading follows links that
    stay below it; writing follows none.
    """

    def read_text(self, path: Path, *, within: Path | None) -> str | None:
        """None where there is no such file; FilesError `unreadable-file` where it is closed to us, no regular file, larger
        than 16 MB, or lies behind a link out of `within`. None for `within`: a file of the machine, not of a project."""

    def read_bytes(self, path: Path, *, within: Path | None) -> bytes | None: ...
    def write_atomic(
        self,
        path: Path,
        text: str,
        *,
        within: Path,
        owner: tuple[int, int] | None = None,
        mode: int = 0o644,
    ) -> bool:
        """Write via a temporary file and rename, in folders that are made where they are missing; returns whether the
        content changed. FilesError `unsafe-path` for a link, and whatever else is no regular file, in the way."""

    def make_folder(self, folder: Path, *, within: Path, owner: tuple[int, int] | None) -> None:
        """Made with those above it where nothing of that name is there. FilesError `unsafe-path` as in `write_atomic`."""

    def append(self, path: Path, text: str, *, within: Path) -> None:
        """To a file that is there. FilesError `unsafe-path` as in `write_atomic`."""

    def temporary_folder(self, prefix: str) -> Path:
        """A new empty folder with a name of its own, below the system's folder for such."""

    def remove_folder(self, path: Path) -> bool:
        """A folder with all that is in it; returns whether it is gone."""

    def exists(self, path: Path) -> bool: ...
    def gone(self, path: Path) -> bool:
        """Whether nothing of that name is there for sure: what this user may not look at is not gone."""

    def is_dir(self, path: Path) -> bool: ...
    def names(self, folder: Path) -> Sequence[str]:
        """What lies in a folder, sorted; nothing where there is none."""

    def stamp(self, path: Path) -> list[int] | None:
        """Time of change in ns and size; None where there is no such file. Equal stamps mean equal content."""

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        """A fingerprint of a folder; None where it cannot be said. `without`: lines of a .dockerignore."""

    def go_names(self, root: Path) -> str:
        """A digest of the names of all Go files below `root`, vendored, hidden and state folders left out."""

    def go_files(self, root: Path) -> Sequence[tuple[str, float]]:
        """Relative path and mtime of each source file below `root`; vendored, hidden and state folders left out."""

    def newer(self, paths: Iterable[Path], *, than: int) -> Path | None:
        """One of these files, or of those below where it is a folder, that changed after `than` (ns); links are not followed."""

    def identity(self, folder: Path) -> str:
        """The same for a folder as long as it exists, under whichever path; another one for what is put in its place."""

    def owner(self, path: Path) -> tuple[int, int]: ...
    def permissions(self, path: Path) -> tuple[int, int, int] | None:
        """Mode, uid and gid of a file; None where there is none."""

    def real(self, path: str) -> str:
        """The path with every link followed, as far as there is something."""

    def closed(self, root: Path) -> Sequence[str]:
        """Folders that the project's owner may not look into: a database's data, most often."""

    def lock(
        self, root: Path, *, command: str, timeout: float, waiting: Callable[[Holder], None]
    ) -> AbstractContextManager[None]:
        """The project's lock. `waiting` hears at once who is waited for, and again when that is another.

        Raises MachineError `project-locked` naming the holder after `timeout` seconds.
        """

    def lock_holder(self, root: Path) -> Holder | None:
        """Who holds the project's lock; None where nobody does. Never waits, and keeps nobody from taking it."""

    def hold(self, root: Path, name: str, *, note: str = "") -> AbstractContextManager[bool]:
        """Hold a lock file below `.devctl/`, with `note` in it, while the context lasts; yields False where another does."""

    def held(self, root: Path, name: str) -> bool:
        """Whether a living process holds that lock file."""

    def eventless(self, path: Path) -> str | None:
        """The kind of a mount that passes no file events (9p, nfs, ...); None where they can be trusted."""
