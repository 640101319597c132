"""A sequence of named steps (onboard, demo): each ok, failed or skipped, with its time and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap

from msgspec import Struct, field

from devctl.domain.command.events import Outcome, Remark
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, InterruptedByUser, lost_interruption
from devctl.workflows.session.steps import Steps

MARKS = {"ok": "✓", "failed": "✗", "skipped": "–"}
WIDTH = 80
"""Columns of the table: those of a usual terminal."""


class Walk(Struct):
    """`steps` of the result (docs/reference/json-output.md). After a failure nothing more is done, except what is `always`
    done."""

    box: Toolbox
    causes: Mapping[str, str]
    """What each step does, by its id, in order."""
    after_interruption: str
    """What to do after Ctrl-C."""
    steps: list[dict[str, object]] = field(default_factory=list)
    error: Exception | None = None
    first_response_ms: int | None = None
    url: str | None = None
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.box.clock.monotonic()

    def run(self, name: str, work: Callable[[], str], *, always: bool = False) -> None:
        """`work` returns the outcome, in a few words."""
        if self.error is not None and not always:
            self._add(name, "skipped", 0, "")
            return
        began = self.box.clock.monotonic()
        try:
            with Steps(self.box.reporter, self.box.clock).step(name, self.causes[name]):
                detail = work()
            self.box.reporter.emit(Remark(f"  {detail}"))
        except (KeyboardInterrupt, InterruptedByUser):
            self._failed(name, began, self._interruption())
        except Exception as error:  # not even a bug in devctl may prevent the clean-up
            self._failed(name, began, self._interruption() if lost_interruption(error) else error)
        else:
            self._add(name, "ok", self.since(began), detail)

    def interrupted(self) -> None:
        """Ctrl-C between two steps."""
        self.error = self.error or self._interruption()

    def skip(self, name: str, detail: str) -> None:
        self._add(name, "skipped", 0, detail)

    def served(self, url: str, *, at: float | None = None) -> int:
        """The first response arrived now, or at `at` by the clock."""
        seconds = (self.box.clock.monotonic() if at is None else at) - self.began
        self.url, self.first_response_ms = url, round(seconds * 1000)
        return self.first_response_ms

    def since(self, began: float) -> int:
        return round((self.box.clock.monotonic() - began) * 1000)

    def result(self) -> dict[str, object]:
        return {"steps": self.steps, "time_to_first_response_ms": self.first_response_ms, "url": self.url}

    def table(self) -> str:
        wide = max(len(str(s["id"])) for s in self.steps)
        return "\n".join(_row(step, wide) for step in self.steps)

    def outcome(self, text: str) -> Outcome:
        """Ends the command; after a failure with the error of what failed, and everything that is known by then."""
        if self.error is None:
            return Outcome(result=self.result(), text=text)
        self.box.reporter.emit(Remark(text))
        if isinstance(self.error, DevctlError):
            raise self.error.replace(result=self.result()) from self.error
        raise self.error

    def _interruption(self) -> InterruptedByUser:
        return InterruptedByUser(hint=self.after_interruption)

    def _failed(self, name: str, began: float, error: Exception) -> None:
        self._add(name, "failed", self.since(began), str(error))
        self.error = self.error or error

    def _add(self, name: str, status: str, ms: int, detail: str) -> None:
        self.steps.append({"id": name, "status": status, "ms": ms, "detail": detail})


def dry(causes: Mapping[str, str]) -> Outcome:
    """The plan of `--dry-run`."""
    plan = [{"step": name, "service": None, "cause": cause} for name, cause in causes.items()]
    return Outcome(result={"plan": plan}, text="\n".join(f"{n}: {cause}" for n, cause in causes.items()))


def text_of(parts: Sequence[str]) -> str:
    return "\n".join(part for part in parts if part)


def _row(step: Mapping[str, object], wide: int) -> str:
    """Why a step failed is reported once, by the error that follows."""
    took = f"{float(str(step['ms'])) / 1000:.1f} s" if step["status"] != "skipped" else ""
    detail = "" if step["status"] == "failed" else step["detail"]
    head = f"{MARKS[str(step['status'])]} {step['id']!s:<{wide}}  {took:>7}  "
    lines = wrap(str(detail), WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    return head.rstrip() if not lines else head + f"\n{' ' * len(head)}".join(lines)
