"""The live line of a running step, drawn by rich on a terminal; nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress


class LiveLine:
    """At most one line; `hidden` takes it away while something else is written."""

    def __init__(self, stream: TextIO, *, enabled: bool) -> None:
        self._stream, self._enabled = stream, enabled
        self._progress: Progress | None = None

    def start(self, text: str) -> None:
        self.clear()
        if not self._enabled:
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(file=self._stream)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._progress.add_task(text, total=None)
        self._progress.start()

    def clear(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def hidden(self, write: Callable[[], None]) -> None:
        if self._progress is None:
            write()
            return
        self._progress.stop()
        write()
        self._progress.start()
