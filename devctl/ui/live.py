"""What is said of a step while it runs: a live line on a terminal, drawn by rich; elsewhere a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from threading import Timer
from typing import TYPE_CHECKING, TextIO

from devctl.domain.project.control_characters import in_one_line

if TYPE_CHECKING:
    from rich.progress import Progress

SILENT = 30.0
"""Seconds after which somebody who reads a log wonders whether anything still happens."""


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


class Reminder:
    """Says again and again that a step still runs, where no live line does. `lock` is held by whoever starts and clears it."""

    def __init__(
        self, say: Callable[[str], None], *, lock: AbstractContextManager[object], every: float = SILENT
    ) -> None:
        self._say, self._lock, self._every = say, lock, every
        self._timer: Timer | None = None

    def start(self, text: str, *, seconds: float = 0.0) -> None:
        self.clear()
        timer = Timer(self._every, lambda: self._remind(timer, text, seconds + self._every))
        timer.daemon = True
        self._timer = timer
        timer.start()

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _remind(self, timer: Timer, text: str, seconds: float) -> None:
        with self._lock:
            if timer is self._timer:  # else it was cleared meanwhile
                with suppress(OSError, ValueError):  # what it is written to may be closed by now
                    self._say(f"  still running after {seconds:g} s: {text}")
                self.start(text, seconds=seconds)
