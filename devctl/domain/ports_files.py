"""The port for a project's folder: reading, writing whole, locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """The project's folder. Paths are absolute."""

    def read_text(self, path: Path) -> str | None: ...
    def read_bytes(self, path: Path) -> bytes | None: ...
    def write_atomic(
        self, path: Path, text: str, *, owner: tuple[int, int] | None = None, mode: int = 0o644
    ) -> bool:
        """Write via a temporary file and rename; returns whether the content changed."""

    def make_folder(self, folder: Path, *, owner: tuple[int, int] | None) -> None:
        """Made with those above it where nothing of that name is there."""

    def append(self, path: Path, text: str) -> None: ...
    def remove(self, path: Path) -> None: ...
    def temporary_folder(self, prefix: str) -> Path:
        """A new empty folder with a name of its own, below the system's folder for such."""

    def remove_folder(self, path: Path) -> bool:
        """A folder with all that is in it; returns whether it is gone."""

    def exists(self, path: Path) -> bool: ...
    def is_dir(self, path: Path) -> bool: ...
    def names(self, folder: Path) -> Sequence[str]:
        """What lies in a folder, sorted; nothing where there is none."""

    def modified(self, path: Path) -> float | None:
        """Seconds since the epoch; None where there is no such file."""

    def stamp(self, path: Path) -> list[int] | None:
        """Time of change in ns and size; None where there is no such file. Equal stamps mean equal content."""

    def tree(self, root: Path, *, without: Iterable[str]) -> str | None:
        """A fingerprint of a folder; None where it cannot be said. `without`: lines of a .dockerignore."""

    def go_names(self, root: Path) -> str:
        """A digest of the names of all Go files below `root`, vendored, hidden and state folders left out."""

    def go_files(self, root: Path) -> Sequence[tuple[str, float]]:
        """Relative path and mtime of each source file below `root`; vendored, hidden and state folders left out."""

    def owner(self, path: Path) -> tuple[int, int]: ...
    def closed(self, root: Path) -> Sequence[str]:
        """Folders that the project's owner may not look into: a database's data, most often."""

    def state_dir(self, root: Path) -> Path:
        """`.devctl/` of a project, made (self-ignoring) when missing."""

    def lock(self, root: Path, *, command: str, timeout: float) -> AbstractContextManager[None]:
        """The project's lock; raises MachineError `project-locked` naming the holder after `timeout` seconds."""

    def hold(self, path: Path, *, note: str = "") -> AbstractContextManager[bool]:
        """Hold a lock file (with `note` in it) while the context lasts; yields False where another process holds it."""

    def held(self, path: Path) -> bool:
        """Whether a living process holds that lock file."""

    def eventless(self, path: Path) -> str | None:
        """The kind of a mount that passes no file events (9p, nfs, ...); None where they can be trusted."""
