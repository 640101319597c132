"""The port to the terminal of whoever called: its keys, and the browser beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Terminal(Protocol):
    """Nothing of it is touched where there is none, as in a pipe or in CI."""

    def keys(self, hear: Callable[[str], None]) -> AbstractContextManager[None]:
        """While the context lasts, each key that is pressed is handed to `hear`, in a thread of its own. The terminal is put back
        as it was at the end, and while this process is stopped (Ctrl-Z) or in the background of its shell."""

    def interrupt(self) -> None:
        """What Ctrl-C does, from a thread."""

    def show_page(self, url: str) -> bool:
        """Show it in a browser window; False where there is none, as in a container or over ssh."""
