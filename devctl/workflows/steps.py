"""Run a step, tell the reporter, keep its time: what `steps[]` of a result is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from devctl.domain.events import StepDone, StepFailed, StepStarted
from devctl.domain.ports_host import Clock, Reporter


class Timed(Protocol):
    """A box of ports with these two in it."""

    @property
    def reporter(self) -> Reporter: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(slots=True)
class Steps:
    """Collects the steps of one command, each with its time in ms; `failed`: the service of the one that failed last."""

    box: Timed
    done: list[dict[str, object]] = field(default_factory=list)
    failed: str | None = None

    @contextmanager
    def step(self, name: str, cause: str, *, service: str | None = None) -> Iterator[None]:
        began = self.box.clock.monotonic()
        self.box.reporter.emit(StepStarted(step=name, cause=cause, service=service))
        try:
            yield
        except BaseException:
            self.failed = service
            self.box.reporter.emit(StepFailed(step=name, cause=cause, ms=self._since(began), service=service))
            raise
        ms = self._since(began)
        self.box.reporter.emit(StepDone(step=name, cause=cause, ms=ms, service=service))
        self.done.append({"step": name, "service": service, "cause": cause, "ms": ms})

    def _since(self, began: float) -> int:
        return round((self.box.clock.monotonic() - began) * 1000)
