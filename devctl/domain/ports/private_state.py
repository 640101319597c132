"""The port for what is remembered of a project outside of its folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeVar

from devctl.domain.project.notes import decode, encode
from devctl.domain.project.private_notes import PrivateNote

N = TypeVar("N", bound=PrivateNote)


class PrivateState(ABC):
    """Small texts about a project that only this user can write: its folder is mounted into containers, this one is not.

    What decides something (a right, a rollback, whether anything is to be done) lies here, since code in a container may
    rewrite anything below the project.
    Another user of the same project has a state of their own, so an absent text is an ordinary case.
    """

    def note(self, root: Path, kind: type[N]) -> N:
        """The note, or `kind()` where there is none that can be understood."""
        return decode(kind, self.read(root, kind.file))

    def keep(self, root: Path, note: PrivateNote) -> None:
        """Raises MachineError `state-not-writable`."""
        self.write(root, note.file, encode(note))

    @abstractmethod
    def read(self, root: Path, name: str) -> str | None:
        """What was kept under `name` for the project in `root`; None where there is nothing or it cannot be read."""

    @abstractmethod
    def write(self, root: Path, name: str, text: str) -> None:
        """Keep a text, atomically, mode 0600. Raises MachineError `state-not-writable` where that is impossible."""

    @abstractmethod
    def remove(self, root: Path, name: str) -> None:
        """Forget a text; nothing happens where there is none."""
