"""The port to what is remembered about a project outside its folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeVar

from devctl.domain.project.notes import decode, encode
from devctl.domain.project.private_notes import PrivateNote

N = TypeVar("N", bound=PrivateNote)


class PrivateState(ABC):
    """Small texts about a project that only this user can write: its folder is mounted into containers, this one is not.

    Whatever decides something (a right, a rollback, whether there is anything to do) is stored here, since code in a container
    may rewrite anything below the project. Another user of the same project has a separate state, so an absent text is an
    ordinary case.
    """

    def note(self, root: Path, kind: type[N]) -> N:
        """The note, or `kind()` if there is none that can be read."""
        return decode(kind, self.read(root, kind.file))

    def keep(self, root: Path, note: PrivateNote) -> None:
        """Raises MachineError `state-not-writable`."""
        self.write(root, note.file, encode(note))

    @abstractmethod
    def read(self, root: Path, name: str) -> str | None:
        """What was stored under `name` for the project in `root`; None if there is nothing or it cannot be read."""

    @abstractmethod
    def write(self, root: Path, name: str, text: str) -> None:
        """Store a text, atomically, mode 0600. Raises MachineError `state-not-writable` if that is impossible."""

    @abstractmethod
    def remove(self, root: Path, name: str) -> None:
        """Remove a text, if there is one."""
