"""Text for people: steps and errors on stderr, results on stdout."""

from __future__ import annotations

import sys
import threading
from collections import deque
from types import TracebackType
from typing import Self, TextIO

from devctl.domain.events import (
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    LogLine,
    Note,
    Outcome,
    Ready,
    Recorded,
    Reload,
    StepDone,
    StepFailed,
    StepStarted,
    Switched,
)
from devctl.errors import DevctlError, ExitCode, Problem
from devctl.ui.live import LiveLine
from devctl.ui.style import Style

KEPT = 20
"""Lines of a build's output that are shown when its step fails."""


class HumanRenderer:
    """Plain lines; on a terminal the running step has a live line with its seconds."""

    def __init__(self, *, quiet: bool, verbose: bool, color: bool) -> None:
        self._quiet, self._verbose = quiet, verbose
        self._style = Style(color)
        self._build: deque[str] = deque(maxlen=KEPT)
        self._live = LiveLine(sys.stderr, enabled=sys.stderr.isatty() and not quiet)
        self._warned: set[Problem] = set()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.clear()

    def warn(self, problem: Problem) -> None:
        if problem not in self._warned:
            self._warned.add(problem)
            self._say(self._problem("warning", problem))

    def emit(self, event: Event) -> None:
        with self._lock:
            self._emit(event)

    def _emit(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._build.clear()
                self._live.start(_step(event))
            case StepDone():
                self._live.clear()
                self._progress(f"{self._style.good('✓')} {_step(event)}  {event.ms / 1000:.1f} s")
            case StepFailed():
                self._live.clear()
                self._progress(f"{self._style.bad('✗')} {_step(event)}  {event.ms / 1000:.1f} s")
            case LogLine():
                self._log(event)
            case Ready():
                self._out(event.text)
            case Note():
                self._progress(self._style.dim(event.text))
            case Recorded():
                pass  # machine talk
            case _:
                self._say(self._told(event))

    def _told(self, event: Event) -> str:
        match event:
            case Reload(ok=True):
                return self._style.good(f"{event.service} reloaded: saved → served {event.ms / 1000:.2f} s")
            case Reload():
                return (
                    self._style.bad(f"{event.service} does not compile, old code serves:")
                    + f"\n{event.message}"
                )
            case DepsChanged():
                lines = [f"{event.service}: dependencies changed", *(f"  {c.text}" for c in event.changes)]
                return "\n".join(lines)
            case DepsRebuilt():
                return self._style.good(
                    f"{event.service} serves with the new dependencies, {event.ms / 1000:.1f} s"
                )
            case DepsFailed():
                return (
                    self._style.bad(f"{event.service} was not changed, the old one serves:")
                    + f" {event.message}"
                )
            case Switched():
                return f"{event.service}: {event.from_} → {event.to}"
            case _:
                return ""

    def _log(self, event: LogLine) -> None:
        if event.stream != "build":
            self._live.hidden(
                lambda: self._write(sys.stdout, f"{self._style.name(event.service)} | {event.line}")
            )
        elif self._verbose:
            self._say(self._style.dim(event.line))
        else:
            self._build.append(event.line)

    def finished(self, command: str, outcome: Outcome) -> int:
        self._live.clear()
        if outcome.text:
            self._out(outcome.text)
        if outcome.problem is not None:
            self._say(self._problem("error", outcome.problem))
        return outcome.exit_code

    def failed(self, command: str, error: DevctlError) -> int:
        self._live.clear()
        detail = error.detail
        if not detail and error.exit_code in (ExitCode.PROJECT, ExitCode.MACHINE):
            detail = "\n".join(self._build)
        self._say(self._problem("error", error.problem, detail=detail))
        return error.exit_code

    def _problem(self, kind: str, problem: Problem, *, detail: str = "") -> str:
        """One format everywhere: message, place, what the tool said, remedy."""
        paint = self._style.bad if kind == "error" else self._style.warn
        where = (
            f"{problem.place}: " if problem.place and not problem.message.startswith(problem.place) else ""
        )
        lines = [f"{paint(kind)}: {where}{problem.message}"]
        lines += [f"  {self._style.dim(line)}" for line in detail.splitlines()]
        return "\n".join([*lines, f"  → {problem.hint}"])

    def _progress(self, text: str) -> None:
        if not self._quiet:
            self._say(text)

    def _say(self, text: str) -> None:
        self._live.hidden(lambda: self._write(sys.stderr, text))

    def _out(self, text: str) -> None:
        self._live.hidden(lambda: self._write(sys.stdout, text))

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()


def _step(event: StepStarted | StepDone | StepFailed) -> str:
    name = f"{event.step} {event.service}" if event.service else event.step
    return f"{name}: {event.cause}"
