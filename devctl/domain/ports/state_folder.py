"""The port to `.devctl/` of a project."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from devctl.domain.project.notes import decode, encode
from devctl.domain.project.state_folder import STATE_FOLDER, FolderNote

N = TypeVar("N", bound=FolderNote)


class Position(Struct, frozen=True):
    """How far a growing file was read. `file` distinguishes it from one that was started again."""

    file: int = 0
    offset: int = 0


class StateFolder(ABC):
    """Files below `.devctl/` of the project in `root`, by the names in `domain/project/state_folder.py`.

    All of them belong to the project's owner and are closed to everyone else (0600, folders 0700), and are written whole.
    Links, FIFOs, devices and anything else that should not be there are refused: FilesError `state-folder-unsafe`.
    """

    def read(self, root: Path, kind: type[N]) -> N:
        """The note, or `kind()` if there is none that can be read."""
        return decode(kind, self.text(root, kind.file))

    def write(self, root: Path, note: FolderNote) -> None:
        self.put(root, note.file, encode(note))

    def path(self, root: Path, name: str) -> Path:
        """For a process that gets a file by its name."""
        return root / STATE_FOLDER / name

    @abstractmethod
    def make(self, root: Path) -> Path:
        """The folder, created (with its own .gitignore) if missing; its parents are not created."""

    @abstractmethod
    def text(self, root: Path, name: str) -> str | None:
        """None if there is no such file, or it is too large or may not be read."""

    @abstractmethod
    def put(self, root: Path, name: str, text: str) -> bool:
        """Write through a temporary file and rename, creating folders; return whether the content changed."""

    @abstractmethod
    def remove(self, root: Path, name: str) -> None:
        """Remove it, if it exists."""

    @abstractmethod
    def append(self, root: Path, name: str, text: str) -> None: ...

    @abstractmethod
    def begin(self, root: Path, name: str) -> int:
        """A new empty file that replaces an existing one, open, for a process that appends to it."""

    @abstractmethod
    def bound(self, root: Path, name: str) -> None:
        """Empty a file that others append to once it is large: readers continue with what comes then."""

    @abstractmethod
    def new_lines(self, root: Path, name: str, after: Position) -> tuple[Sequence[str], Position]:
        """Whole lines written after a position, at most the last megabytes, and the position after them."""
