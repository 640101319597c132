"""The ports to the machine that we run on and to who called us."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devctl.domain.events import Event
    from devctl.errors import Problem


class Reporter(Protocol):
    """Where progress goes; `warn` collects for the result's `warnings`."""

    def emit(self, event: Event) -> None: ...
    def warn(self, problem: Problem) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Host(Protocol):
    """Facts of the machine and the caller, read once."""

    def env(self, name: str) -> str | None: ...
    def cwd(self) -> Path: ...
    def is_linux(self) -> bool: ...
    def interactive(self) -> bool: ...
    def confirm(self, question: str) -> bool:
        """Ask a person; False without a terminal."""

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        """One line from a person, not shown while it is typed where it is `secret`; None without a terminal."""

    def keys(self) -> AbstractContextManager[Callable[[], str | None]]:
        """Single key presses while the context lasts; always None without a terminal."""

    def port_free(self, ip: str, port: int) -> bool: ...
    def pid(self) -> int: ...
    def executable(self) -> str:
        """The Python that runs us, for starting the watcher."""
