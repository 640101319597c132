"""Progress of running steps: live lines on a terminal, drawn by rich; elsewhere a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from threading import Timer
from typing import TYPE_CHECKING, TextIO

from devctl.domain.project.control_characters import in_one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SILENT = 30.0
"""Seconds after which a reader of the log wonders whether anything is still happening."""


class LiveLine:
    """One line for each running step; `hidden` removes them while something else is written."""

    def __init__(self, stream: TextIO, *, enabled: bool, color: bool) -> None:
        self._stream, self._enabled, self._color = stream, enabled, color
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def start(self, text: str) -> None:
        if not self._enabled or text in self._tasks:
            return
        if self._progress is None:
            self._progress = self._drawn()
        self._tasks[text] = self._progress.add_task(in_one_line(text), total=None)
        self._progress.start()

    def _drawn(self) -> Progress:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        console = Console(file=self._stream, color_system="standard" if self._color else None)
        # One line whatever its length: a wrapped one could not be removed again.
        cause = TextColumn(
            "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
        )
        return Progress(
            SpinnerColumn(),
            cause,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def end(self, text: str) -> None:
        task = self._tasks.pop(text, None)
        if self._progress is not None and task is not None:
            self._progress.stop()
            self._progress.remove_task(task)
            if self._tasks:
                self._progress.start()
            else:
                self._progress = None

    def clear(self) -> None:
        for text in tuple(self._tasks):
            self.end(text)

    def hidden(self, write: Callable[[], None]) -> None:
        if self._progress is None:
            write()
            return
        self._progress.stop()
        write()
        self._progress.start()


class Reminder:
    """Reports at intervals that a step is still running, if there is no live line. Whoever starts and stops it holds `lock`."""

    def __init__(
        self, say: Callable[[str], None], *, lock: AbstractContextManager[object], every: float = SILENT
    ) -> None:
        self._say, self._lock, self._every = say, lock, every
        self._timers: dict[str, Timer] = {}

    def start(self, text: str, *, seconds: float = 0.0) -> None:
        self.end(text)
        timer = Timer(self._every, lambda: self._remind(timer, text, seconds + self._every))
        timer.daemon = True
        self._timers[text] = timer
        timer.start()

    def end(self, text: str) -> None:
        if (timer := self._timers.pop(text, None)) is not None:
            timer.cancel()

    def clear(self) -> None:
        for text in tuple(self._timers):
            self.end(text)

    def _remind(self, timer: Timer, text: str, seconds: float) -> None:
        with self._lock:
            if timer is self._timers.get(text):  # else it was stopped meanwhile
                with suppress(OSError, ValueError):  # its stream may be closed by now
                    self._say(f"  still running after {seconds:g} s: {text}")
                self.start(text, seconds=seconds)
