"""Run a step, tell the reporter, keep its time: the source of a result's `steps[]`. Also steps that only warn if they fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from devctl.domain.command.events import Outcome, StepDone, StepEnded, StepFailed, StepStarted
from devctl.domain.plan.planner import Step, plan_text
from devctl.domain.ports.host import Clock, Reporter
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError, Problem, UsageError


class Steps(Struct):
    """Collects the steps of one command; `failed`: the service of the one that failed last, which was `failed_step`."""

    reporter: Reporter
    clock: Clock
    done: list[StepDone] = field(default_factory=list)
    failed: str | None = None
    failed_step: str = ""

    @contextmanager
    def step(self, name: str, cause: str, *, service: str | None = None) -> Iterator[None]:
        began = self.clock.monotonic()
        self.reporter.emit(StepStarted(step=name, cause=cause, service=service))
        try:
            yield
        except InterruptedByUser:
            self.reporter.emit(StepEnded(step=name, cause=cause, ms=self._since(began), service=service))
            raise
        except BaseException:
            self.failed, self.failed_step = service, name
            self.reporter.emit(StepFailed(step=name, cause=cause, ms=self._since(began), service=service))
            raise
        self.done.append(StepDone(step=name, cause=cause, ms=self._since(began), service=service))
        self.reporter.emit(self.done[-1])

    def as_json(self) -> list[dict[str, object]]:
        """`steps` of a result."""
        return [asdict(step) for step in self.done]

    def _since(self, began: float) -> int:
        return round((self.clock.monotonic() - began) * 1000)


def looking(reporter: Reporter, clock: Clock, cause: str) -> AbstractContextManager[None]:
    """A step that changes nothing: people see it if it takes long, and it is not in the `steps[]` of a result."""
    return Steps(reporter, clock).step("look", cause)


def check_services(project: Project, names: Sequence[str]) -> list[str]:
    """The names as given, or UsageError `unknown-service` with the existing ones."""
    known = [*(s.name for s in project.services), *project.specs]
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no service {name!r} in this project",
                code="unknown-service",
                hint=f"one of: {', '.join(dict.fromkeys(known))}",
            )
    return list(names)


def plan_outcome(plan: Sequence[Step]) -> Outcome:
    return Outcome(result={"plan": [asdict(step) for step in plan]}, text=plan_text(plan))


@contextmanager
def only_warned(reporter: Reporter) -> Iterator[None]:
    """For a file below `.devctl/` that is only informative: a planted one, or a full disk, causes no failure."""
    try:
        yield
    except (FilesError, MachineError) as error:
        reporter.warn(error.problem)


@contextmanager
def beside(reporter: Reporter, what: str) -> Iterator[None]:
    """Best effort while another error is handled: a second one becomes a warning that begins with what `what` says could not
    be done; another Ctrl-C only ends this."""
    try:
        yield
    except (KeyboardInterrupt, InterruptedByUser):
        return
    except DevctlError as error:
        problem = replace(error.problem, message=f"{what} failed as well: {error.problem.message}")
        reporter.warn(problem)
    except Exception as error:  # a bug on the way of an error must not hide what the user should read
        message = f"{what} failed as well: {type(error).__name__}: {error}"
        reporter.warn(Problem("internal-error", message, "devctl status shows what runs now"))
