"""The ports to this machine and to devctl's caller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devctl.domain.command.events import Event
    from devctl.errors import Problem


class Reporter(Protocol):
    """Where progress goes; `warn` collects for the result's `warnings`. `again`: a person has read that one before."""

    def emit(self, event: Event) -> None: ...
    def warn(self, problem: Problem, *, again: bool = False) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Host(Protocol):
    """Facts of the machine and the caller, read once."""

    def env(self, name: str) -> str | None: ...
    def asked(self) -> frozenset[str]:
        """The names of the variables that `env` was asked for while `Files.recording` was on."""

    def cwd(self) -> Path: ...
    def is_linux(self) -> bool: ...
    def interactive(self) -> bool: ...
    def has_input(self) -> bool:
        """Whether standard input can provide anything: the null device and a closed one cannot."""

    def confirm(self, question: str) -> bool:
        """Ask a person; False without a terminal."""

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        """One line from a person, not echoed if it is `secret`; None without a terminal."""

    def port_free(self, ip: str, port: int) -> bool: ...
    def reader_left(self) -> bool:
        """Whether nobody can read the output any more: the other end of the pipe, or the terminal, is closed."""

    def pid(self) -> int: ...
    def own_program(self) -> Sequence[str]:
        """The command line that starts devctl itself, for the watcher; nothing in the working directory is imported."""
