"""What text and JSON output share: a reporter that also prints the outcome of a command."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from threading import RLock

from devctl.domain.command.events import Event, LogLine, Outcome, Planned, Ready
from devctl.errors import DevctlError, Problem
from devctl.ui.out import Out

REMEMBERED = 30
"""Events that a bug report includes."""


class Renderer(ABC):
    """A `Reporter` (domain/ports/toolbox.py) for several threads. `finished` and `failed` return the exit code."""

    def __init__(self, *, discard: Callable[[], None]) -> None:
        self.recent: deque[Event] = deque(maxlen=REMEMBERED)
        self.plan = ""
        self._out = Out(sys.stdout, discard=discard)
        self._lock = RLock()

    @property
    def reader_gone(self) -> bool:
        return self._out.gone

    def emit(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Planned):
                self.plan = event.text
                return
            if isinstance(event, Ready):
                # It looks by itself whether anybody reads, and leaves the services running.
                self._out.ends_command = False
            if not isinstance(event, LogLine):
                self.recent.append(event)
            self.show(event)

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        with self._lock:
            self.show_warning(problem, again=again)

    @abstractmethod
    def show(self, event: Event) -> None: ...
    @abstractmethod
    def show_warning(self, problem: Problem, *, again: bool) -> None: ...
    @abstractmethod
    def finished(self, command: str, outcome: Outcome) -> int: ...
    @abstractmethod
    def failed(self, command: str, error: DevctlError) -> int: ...
