"""Text for people: steps and errors on stderr, results and the services' logs on stdout."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from datetime import datetime

from devctl.domain.events import (
    Asking,
    Event,
    LogLine,
    Note,
    Outcome,
    Ready,
    Recorded,
    StepDone,
    StepFailed,
    StepStarted,
)
from devctl.errors import DevctlError, ExitCode, Problem
from devctl.ui.live import LiveLine
from devctl.ui.out import Out
from devctl.ui.renderer import Renderer
from devctl.ui.style import Style
from devctl.ui.told import Teller, step_text

KEPT = 20
"""Lines of a build's output that are shown when its step fails."""


class HumanRenderer(Renderer):
    """Plain lines; on a terminal the running step has a live line with its seconds.

    `colors`: whether stdout and stderr have colour; `now`: the local time.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        verbose: bool,
        colors: tuple[bool, bool],
        discard: Callable[[], None],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        super().__init__(discard=discard)
        self._err = Out(sys.stderr, discard=lambda: None)
        self._quiet, self._verbose = quiet, verbose
        self._names, self._style = Style(colors[0]), Style(colors[1])
        self._wide = 0
        self._teller = Teller(self._style, now)
        self._build: deque[str] = deque(maxlen=KEPT)
        self._live = LiveLine(sys.stderr, enabled=sys.stderr.isatty() and not quiet, color=colors[1])
        self._warned: set[Problem] = set()

    def show(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._build.clear()
                self._live.start(step_text(event))
            case StepDone():
                self._live.clear()
                self._progress(f"{self._style.good('✓')} {step_text(event)}  {event.ms / 1000:.1f} s")
            case StepFailed():
                self._live.clear()
                self._progress(f"{self._style.bad('✗')} {step_text(event)}  {event.ms / 1000:.1f} s")
            case LogLine():
                self._log(event)
            case Ready():
                self._say(self._out, event.text)
            case Note():
                self._progress(self._style.dim(event.text))
            case Asking():
                self._live.clear()
            case Recorded():
                pass  # JSON: text has its own words for the same
            case _:
                self._progress(self._teller.told(event))

    def show_warning(self, problem: Problem) -> None:
        if problem not in self._warned and not self._quiet:
            self._warned.add(problem)
            self._say(self._err, self._problem("warning", problem))

    def finished(self, command: str, outcome: Outcome) -> int:
        with self._lock:
            self._live.clear()
            if outcome.text:
                self._say(self._out, outcome.text)
            if outcome.problem is not None:
                self._say(self._err, self._problem("error", outcome.problem))
        return int(outcome.exit_code)

    def failed(self, command: str, error: DevctlError) -> int:
        with self._lock:
            self._live.clear()
            detail = error.detail
            if not detail and error.exit_code in (ExitCode.PROJECT, ExitCode.MACHINE):
                detail = "\n".join(self._build)
            self._say(self._err, self._problem("error", error.problem, detail=detail))
        return int(error.exit_code)

    def _log(self, event: LogLine) -> None:
        if event.stream != "build":
            self._wide = max(self._wide, len(event.service))
            gap = " " * (self._wide - len(event.service))
            text = f"{self._names.name(event.service)}{gap} | {event.line}"
            self._live.hidden(lambda: self._out.log_line(text))
        elif self._verbose:
            self._progress(self._style.dim(event.line))
        else:
            self._build.append(event.line)

    def _problem(self, kind: str, problem: Problem, *, detail: str = "") -> str:
        return problem_text(problem, kind=kind, detail=detail, style=self._style)

    def _progress(self, text: str) -> None:
        if not self._quiet:
            self._say(self._err, text)

    def _say(self, stream: Out, text: str) -> None:
        self._live.hidden(lambda: stream.line(text))


def problem_text(
    problem: Problem, *, kind: str = "error", detail: str = "", style: Style | None = None
) -> str:
    """One format everywhere: place and message, cause, what the tool said, remedy."""
    style = style or Style(False)
    paint = style.bad if kind == "error" else style.warn
    named = problem.place is None or problem.message.startswith(problem.place)
    lines = [f"{paint(kind)}: {'' if named else f'{problem.place}: '}{problem.message}"]
    lines += [f"  why: {problem.why}"] if problem.why else []
    lines += [f"  {style.dim(line)}" for line in detail.splitlines()]
    return "\n".join([*lines, f"  → {problem.hint}"])
