"""Run a step, tell the reporter, keep its time: what `steps[]` of a result is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from devctl.domain.command.events import Outcome, StepDone, StepFailed, StepStarted
from devctl.domain.plan.planner import Step, plan_text
from devctl.domain.ports.host import Clock, Reporter
from devctl.domain.project.model import Project
from devctl.errors import UsageError


class Timed(Protocol):
    """A box of ports with these two in it."""

    @property
    def reporter(self) -> Reporter: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(slots=True)
class Steps:
    """Collects the steps of one command, each with its time in ms; `failed`: the service of the one that failed last, which was
    `failed_step`."""

    box: Timed
    done: list[dict[str, object]] = field(default_factory=list)
    failed: str | None = None
    failed_step: str = ""

    @contextmanager
    def step(self, name: str, cause: str, *, service: str | None = None) -> Iterator[None]:
        began = self.box.clock.monotonic()
        self.box.reporter.emit(StepStarted(step=name, cause=cause, service=service))
        try:
            yield
        except BaseException:
            self.failed, self.failed_step = service, name
            self.box.reporter.emit(StepFailed(step=name, cause=cause, ms=self._since(began), service=service))
            raise
        ms = self._since(began)
        self.box.reporter.emit(StepDone(step=name, cause=cause, ms=ms, service=service))
        self.done.append({"step": name, "service": service, "cause": cause, "ms": ms})

    def _since(self, began: float) -> int:
        return round((self.box.clock.monotonic() - began) * 1000)


def looking(box: Timed, cause: str) -> AbstractContextManager[None]:
    """A step that changes nothing: people see it where it takes long, and it is none of the `steps[]` of a result."""
    return Steps(box).step("look", cause)


def check_services(project: Project, names: Sequence[str]) -> list[str]:
    """The names as given, or UsageError `unknown-service` with those there are."""
    known = [*(s.name for s in project.services), *project.specs]
    for name in names:
        if name not in known:
            raise UsageError(
                f"no service {name!r} in this project",
                code="unknown-service",
                hint=f"one of: {', '.join(dict.fromkeys(known))}",
            )
    return list(names)


def plan_outcome(plan: Sequence[Step]) -> Outcome:
    return Outcome(result={"plan": [s.as_json() for s in plan]}, text=plan_text(plan))
