"""The live line of a running step, drawn by rich on a terminal; nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from devctl.domain.project.control_characters import in_one_line

if TYPE_CHECKING:
    from rich.progress import Progress


class LiveLine:
    """At most one line; `hidden` takes it away while something else is written."""

    def __init__(self, stream: TextIO, *, enabled: bool, color: bool) -> None:
        self._stream, self._enabled, self._color = stream, enabled, color
        self._progress: Progress | None = None

    def start(self, text: str) -> None:
        self.clear()
        if not self._enabled:
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        console = Console(file=self._stream, color_system="standard" if self._color else None)
        # One line whatever its length: a wrapped one could not be taken away again.
        cause = TextColumn(
            "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
        )
        self._progress = Progress(
            SpinnerColumn(),
            cause,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._progress.add_task(in_one_line(text), total=None)
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
