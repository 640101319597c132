"""The port to this machine's identity: on a shared engine, only what this machine created is judged by this machine's file
system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Identity(Protocol):
    """This machine, with which things on an engine are labelled, and this process (docs/decisions/0016)."""

    @property
    def machine(self) -> str:
        """A random word that no other machine or container has; if it changes, devctl merely leaves things alone."""

    def cache_scope(self, root: Path) -> str:
        """A word that nobody can guess, always the same for the project in `root`: the name of its builds' caches."""

    def temporary(self) -> Mapping[str, str]:
        """The labels of things that live no longer than this process."""

    def ended(self, labels: Mapping[str, str]) -> bool:
        """Whether these are labels of something temporary from this machine whose process has ended."""

    def note_folder(self, folder: Path) -> None:
        """Record a temporary folder, so that it can be found if this process is killed."""

    def forget_folder(self, folder: Path) -> None: ...
    def left_folders(self) -> Sequence[Path]:
        """The temporary folders of processes that have ended."""
