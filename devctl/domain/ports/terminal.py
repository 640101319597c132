"""The port to the caller's terminal: its keys, and the browser of the same desktop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Terminal(Protocol):
    """Does nothing without a terminal, as in a pipe or in CI."""

    def keys(self, hear: Callable[[str], None]) -> AbstractContextManager[None]:
        """Within the context, each key that is pressed is passed to `hear`, in a separate thread. The terminal's settings are
        restored at the end, and while this process is stopped (Ctrl-Z) or in the background of its shell."""

    def interrupt(self) -> None:
        """What Ctrl-C does, from a thread."""

    def show_page(self, url: str) -> bool:
        """Show it in a browser window; False if there is none, as in a container or over ssh."""
