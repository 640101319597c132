"""The port to a project's folder: reading, atomic writing, locks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from devctl.domain.project.private_notes import Asked


class Holder(Struct, frozen=True):
    """Who holds a project's lock, and since when by this machine's clock; all empty if it did not say."""

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
        """None if there is no such file; FilesError `unreadable-file` if it may not be read, is not a regular file, is larger
        than 16 MB, or is behind a link out of `within`. None for `within`: a file of the machine, not of a project."""

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
        """Write through a temporary file and rename, creating missing folders; return whether the content changed. FilesError
        `unsafe-path` if a link, or anything else that is not a regular file, is in the way."""

    def make_folder(self, folder: Path, *, within: Path, owner: tuple[int, int] | None) -> None:
        """Created with its parents if nothing of that name exists. FilesError `unsafe-path` as in `write_atomic`."""

    def append(self, path: Path, text: str, *, within: Path) -> None:
        """Append to an existing file. FilesError `unsafe-path` as in `write_atomic`."""

    def temporary_folder(self, prefix: str) -> Path:
        """A new empty folder with a unique name, below the system's temporary folder."""

    def remove_folder(self, path: Path) -> bool:
        """Remove a folder with its content; return whether it is gone."""

    def exists(self, path: Path) -> bool: ...
    def gone(self, path: Path) -> bool:
        """Whether it is certain that nothing of that name exists: what this user may not look at is not gone."""

    def is_dir(self, path: Path) -> bool: ...
    def names(self, folder: Path) -> Sequence[str]:
        """The content of a folder, sorted; empty if there is none."""

    def stamp(self, path: Path) -> list[int] | None:
        """Time of change in ns, and size; None if there is no such file. Equal stamps mean equal content."""

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        """A fingerprint of a folder; None if it cannot be determined. `without`: lines of a .dockerignore."""

    def recording(self) -> AbstractContextManager[None]:
        """Within the context, whatever any adapter of this process reads, looks for or lists is remembered."""

    def recorded(self) -> tuple[Asked, ...]:
        """What has been asked since, each with its first answer; empty if nothing is recorded."""

    def same(self, questions: Iterable[Asked]) -> bool:
        """Whether every question has the same answer now: then so would be whatever was made of them."""

    def go_files(self, root: Path) -> Sequence[tuple[str, float]]:
        """Relative path and mtime of each source file and go.mod below `root`, except in vendored, hidden and state
        folders."""

    def sources(self, root: Path, *, without: Collection[str]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """By folder, relative to `root`, the names of what tests may be made from: source files as in `go_files`, go.mod and
        the like, and everything below a `testdata`; each with its time of change in ns and its size. `without`: folders to
        skip."""

    def newer(self, paths: Iterable[Path], *, than: int) -> Path | None:
        """One of these files, or of those below if it is a folder, that changed after `than` (ns); links are not followed.
        A time that is still to come says nothing."""

    def identity(self, folder: Path) -> str:
        """The same for a folder as long as it exists, under whichever path; different for one that replaces it."""

    def owner(self, path: Path) -> tuple[int, int]: ...
    def permissions(self, path: Path) -> tuple[int, int, int] | None:
        """Mode, uid and gid of a file; None if there is none."""

    def real(self, path: str) -> str:
        """The path with every link followed, as far as it exists."""

    def closed(self, root: Path) -> Sequence[str]:
        """Folders that the project's owner may not read: usually a database's data."""

    def lock(
        self, root: Path, *, command: str, timeout: float, waiting: Callable[[Holder], None]
    ) -> AbstractContextManager[None]:
        """The project's lock. `waiting` learns immediately who is being waited for, and again if that changes.

        Raises MachineError `project-locked` naming the holder after `timeout` seconds.
        """

    def lock_holder(self, root: Path) -> Holder | None:
        """Who holds the project's lock; None if nobody does. Never waits, and does not prevent anyone from taking it."""

    def hold(self, root: Path, name: str, *, note: str = "") -> AbstractContextManager[bool]:
        """Hold a lock file below `.devctl/`, with `note` in it, within the context; yields False if another process holds it."""

    def held(self, root: Path, name: str) -> bool:
        """Whether a living process holds that lock file."""

    def eventless(self, path: Path) -> str | None:
        """The kind of a mount that does not pass on file events (9p, nfs, ...); None if events can be trusted."""
