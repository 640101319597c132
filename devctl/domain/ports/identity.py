"""The port to who we are: on a shared engine, only what this machine made is judged by this machine's file system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Identity(Protocol):
    """This machine, as things on an engine are labelled with it, and this process (docs/decisions/0016)."""

    @property
    def machine(self) -> str:
        """A random word that no other machine or container has; another one next time only makes devctl leave things alone."""

    def cache_scope(self, root: Path) -> str:
        """A word that nobody can guess, always the same for the project in `root`: what its builds' caches are named by."""

    def temporary(self) -> Mapping[str, str]:
        """The labels of what lives no longer than this process."""

    def ended(self, labels: Mapping[str, str]) -> bool:
        """Whether these are labels of something temporary of this machine, whose process has ended."""

    def note_folder(self, folder: Path) -> None:
        """Remember a temporary folder, so that it is found again should this process be killed."""

    def forget_folder(self, folder: Path) -> None: ...
    def left_folders(self) -> Sequence[Path]:
        """The temporary folders of processes that have ended."""
