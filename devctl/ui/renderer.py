"""What text and JSON have in common: a reporter that also has the last word of a command."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from devctl.domain.events import Event, Outcome
from devctl.errors import DevctlError, Problem


class Renderer(Protocol):
    """A `Reporter` (domain/ports.py) with a beginning and an end. `finished` and `failed` return the exit code."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def emit(self, event: Event) -> None: ...
    def warn(self, problem: Problem) -> None: ...
    def finished(self, command: str, outcome: Outcome) -> int: ...
    def failed(self, command: str, error: DevctlError) -> int: ...
