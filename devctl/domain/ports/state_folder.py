"""The port for `.devctl/` of a project."""

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
    """How far a growing file was read. `file` tells it from one that was begun anew."""

    file: int = 0
    offset: int = 0


class StateFolder(ABC):
    """Files below `.devctl/` of the project in `root`, by the names of `domain/project/state_folder.py`.

    All of them belong to the owner of the project and to nobody else (0600, folders 0700), and are written whole. What is
    a link, a FIFO, a device or otherwise not what it should be is refused: FilesError `state-folder-unsafe`.
    """

    def read(self, root: Path, kind: type[N]) -> N:
        """The note, or `kind()` where there is none that can be understood."""
        return decode(kind, self.text(root, kind.file))

    def write(self, root: Path, note: FolderNote) -> None:
        self.put(root, note.file, encode(note))

    def path(self, root: Path, name: str) -> Path:
        """For a process that is given a file by its name."""
        return root / STATE_FOLDER / name

    @abstractmethod
    def make(self, root: Path) -> Path:
        """The folder, made (self-ignoring) where it is missing; not its parents."""

    @abstractmethod
    def text(self, root: Path, name: str) -> str | None:
        """None where there is no such file, or it is too large or closed to us."""

    @abstractmethod
    def put(self, root: Path, name: str, text: str) -> bool:
        """Write via a temporary file and rename, folders above it included; returns whether the content changed."""

    @abstractmethod
    def remove(self, root: Path, name: str) -> None:
        """Nothing happens where there is none."""

    @abstractmethod
    def append(self, root: Path, name: str, text: str) -> None: ...

    @abstractmethod
    def begin(self, root: Path, name: str) -> int:
        """A new empty file in place of what is there, open, for a process that appends to it."""

    @abstractmethod
    def bound(self, root: Path, name: str) -> None:
        """Empty a file that others append to once it is large: readers go on with what comes then."""

    @abstractmethod
    def new_lines(self, root: Path, name: str, after: Position) -> tuple[Sequence[str], Position]:
        """Whole lines written after a position, no more than the last megabytes, and the position behind them."""
