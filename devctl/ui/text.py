"""Text for people: steps and errors on stderr, results and the services' logs on stdout."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from devctl.domain.command.events import (
    ENDED_AT_START,
    NO_ANSWER,
    OF_NONE,
    UNCHANGED,
    ActionFailed,
    Alert,
    Asking,
    Cleared,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    Filtered,
    Following,
    Happened,
    LogLine,
    OnTerminal,
    Outcome,
    Ready,
    Reload,
    Remark,
    StepDone,
    StepEnded,
    StepFailed,
    StepStarted,
    Switched,
    Told,
)
from devctl.domain.failures.build_output import failed_build
from devctl.domain.project.control_characters import in_one_line
from devctl.errors import DevctlError, ExitCode, Problem
from devctl.ui.json_log import readable
from devctl.ui.live import LiveLine, Reminder
from devctl.ui.out import Out
from devctl.ui.renderer import Renderer
from devctl.ui.results import text_of
from devctl.ui.status_line import StatusLine
from devctl.ui.style import Part, Style

if TYPE_CHECKING:
    from devctl.ui.links import Links

SUMMED_UP = ("test",)
"""Steps whose duration is in the last line of the result."""
LOOKS = ("read", "look", "compare")
"""Steps that change nothing: they get their own line only if they took long."""
WORTH_A_LINE = 2_000
"""Milliseconds."""
KEPT = 20
"""Lines of a build's output that are shown if its step fails."""


class HumanRenderer(Renderer):
    """Plain lines; on a terminal each running step has a live line with its seconds, and a foreground `up` a status line.

    `colors`: whether stdout and stderr have colour; `links`: makes links in them; `screen`: whether a status line can be
    drawn, `utf8`: with more than ASCII; `now`: the local time.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        verbose: bool,
        colors: tuple[bool, bool],
        discard: Callable[[], None],
        screen: bool = False,
        utf8: bool = True,
        now: Callable[[], datetime] = datetime.now,
        links: tuple[Links | None, Links | None] = (None, None),
    ) -> None:
        super().__init__(discard=discard)
        self._out.links = links[0]
        self._err = Out(sys.stderr, discard=lambda: None, links=links[1], errors=True)
        self._quiet, self._verbose = quiet, verbose
        self._names, self._style = Style(colors[0]), Style(colors[1])
        self._wide = 0
        self._followed: set[str] = set()
        self._readable = False
        self._teller = _Teller(self._style, now)
        self._builds: dict[str | None, deque[str]] = {}
        self._broken: str | None = None
        drawn = sys.stderr.isatty()
        self._live = LiveLine(sys.stderr, enabled=drawn and not quiet, color=colors[1])
        told = drawn or quiet or verbose  # the output of services is shown
        self._reminder = None if told else Reminder(self._remind, lock=self._lock)
        self._warned: set[Problem] = set()
        self._line = StatusLine(
            sys.stderr, enabled=screen, style=self._style, utf8=utf8, now=now, lock=self._lock
        )
        self._only = ""

    def show(self, event: Event) -> None:
        self._show(event)
        self._on_screen(event)

    def _show(self, event: Event) -> None:
        match event:
            case StepStarted():
                for service in (event.service, OF_NONE):
                    self._builds.pop(service, None)
                self._began(event)
            case StepDone() | StepFailed():
                self._ended(event)
            case LogLine():
                self._log(event)
            case Following():
                self._followed = {*event.services}
                self._wide = max(map(len, event.services), default=0)
                # Output that does not go to a terminal is for a program: it gets the lines unchanged.
                self._readable = event.pretty and self._out.stream.isatty()
            case Ready():
                self._say(self._out, event.text)
            case Alert():
                self._above(self._err.ring)
            case Told():
                self._told(event)
            case Remark():
                self._progress(self._style.dim(event.text))
            case Asking():
                self._clear()
            case _:  # Recorded events are JSON only: text has its own words for them
                if told := self._teller.told(event):
                    self._progress(*told)

    def _on_screen(self, event: Event) -> None:
        match event:
            case OnTerminal():
                self._live.clear()
            case ActionFailed():
                self._failed(event.error)
            case Filtered():
                self._only = event.service
            case Cleared():
                self._line.clear_screen()
            case _:
                pass
        self._line.hear(event)

    def show_warning(self, problem: Problem, *, again: bool) -> None:
        if problem not in self._warned and not self._quiet and (self._verbose or not again):
            self._warned.add(problem)
            self._say(self._err, *self._problem("warning", problem))

    def finished(self, command: str, outcome: Outcome) -> int:
        with self._lock:
            self._clear()
            self._line.end()
            text = text_of(command, outcome)
            if text:
                self._say(self._out, text)
            if outcome.problem is not None:
                self._say(self._err, *self._problem("error", outcome.problem))
        return int(outcome.exit_code)

    def failed(self, command: str, error: DevctlError) -> int:
        with self._lock:
            self._clear()
            self._line.end()
            self._failed(error)
        return int(error.exit_code)

    def _failed(self, error: DevctlError) -> None:
        detail = error.detail
        if not detail and error.exit_code in (ExitCode.PROJECT, ExitCode.MACHINE):
            detail = failed_build(
                "\n".join(self._builds.get(self._broken) or self._builds.get(OF_NONE) or ())
            ).text
        self._say(self._err, *self._problem("error", error.problem, detail=detail))

    def _began(self, step: StepStarted) -> None:
        if not self._line.drawn:  # which shows the step itself
            self._live.start(_step_text(step))
        if self._reminder is not None:
            self._reminder.start(_step_text(step))

    def _ended(self, step: StepDone | StepFailed) -> None:
        self._live.end(_step_text(step))
        if self._reminder is not None:
            self._reminder.end(_step_text(step))
        quick = step.step in LOOKS and step.ms < WORTH_A_LINE
        if isinstance(step, StepEnded) or quick or step.step in SUMMED_UP:
            return
        if isinstance(step, StepFailed):
            self._broken = step.service
        mark = self._style.good("✓") if isinstance(step, StepDone) else self._style.bad("✗")
        self._progress(mark, f" {_step_text(step)}  {step.ms / 1000:.1f} s")

    def _told(self, event: Told) -> None:
        paint = self._names.good if event.good else self._names.bad
        below = [f"\n  {line}" for line in event.text.splitlines()]
        self._say(self._out, paint(event.title), *below)

    def _clear(self) -> None:
        self._live.clear()
        if self._reminder is not None:
            self._reminder.clear()

    def _remind(self, text: str) -> None:
        self._progress(self._style.dim(text))

    def _log(self, event: LogLine) -> None:
        if self._only not in ("", event.service):
            return
        if event.stream != "build":
            parts = self._before(event.service, self._names)
            said = readable(event.line, self._names) if self._readable else None
            if said is None:
                self._above(lambda: self._out.log_line(*parts, program=event.line))
            else:
                self._above(lambda: self._out.log_line(*parts, *said))
        elif self._verbose:
            parts = self._before(event.service, self._style) if event.service != OF_NONE else []
            self._progress(*parts, self._style.dim(event.line))
        elif event.service not in self._followed:
            self._builds.setdefault(event.service, deque(maxlen=KEPT)).append(event.line)

    def _before(self, service: str, style: Style) -> list[Part]:
        """The service's name before a line; nothing if the logs of only one service are shown."""
        if self._followed == {service}:
            return []
        self._wide = max(self._wide, len(service))
        return [style.name(service), f"{' ' * (self._wide - len(service))} | "]

    def _problem(self, kind: str, problem: Problem, *, detail: str = "") -> list[Part]:
        return problem_parts(problem, kind=kind, detail=detail, style=self._style)

    def _progress(self, *parts: Part) -> None:
        if not self._quiet:
            self._say(self._err, *parts)

    def _say(self, stream: Out, *parts: Part) -> None:
        self._above(lambda: stream.line(*parts))

    def _above(self, write: Callable[[], None]) -> None:
        """Above what is drawn at the bottom."""
        self._line.hidden(lambda: self._live.hidden(write))


def problem_parts(
    problem: Problem, *, kind: str = "error", detail: str = "", style: Style | None = None
) -> list[Part]:
    """One format everywhere: place and message, cause, output of the tool, fix."""
    style = style or Style(False)
    paint = style.bad if kind == "error" else style.warn
    named = problem.place is None or problem.message.startswith(problem.place)
    said = in_one_line(f"{'' if named else f'{problem.place}: '}{problem.message}")
    parts = [paint(kind), f": {said}\n"]
    parts += [f"  why: {in_one_line(problem.why)}\n"] if problem.why else []
    parts += [part for line in detail.splitlines() for part in ("  ", style.dim(line), "\n")]
    return [*parts, f"  → {in_one_line(problem.hint)}"]


class _Teller(Struct):
    """What happened to a service, in a sentence. Remembers which service serves old code, since when and why: an unchanged
    message is shown once."""

    style: Style
    now: Callable[[], datetime]
    _broken: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _commands: dict[str, str] = field(default_factory=dict)
    _noted: dict[str, set[str]] = field(default_factory=dict)
    _dead: set[str] = field(default_factory=set)
    """The service whose program exited."""

    def told(self, event: Event) -> tuple[Part, ...]:
        match event:
            case Reload(ok=True) if event.message == UNCHANGED:
                return self._unchanged(event.service)
            case Reload(ok=True):
                self._broken.pop(event.service, None)
                self._dead.discard(event.service)
                return (self.style.good(f"{event.service} reloaded in {event.ms / 1000:.2f} s"),)
            case Reload() if event.message.startswith(f"{event.service} {ENDED_AT_START}"):
                return ()  # the log says how it ended
            case Reload() if event.message.startswith(f"{event.service} {NO_ANSWER}"):
                return (self.style.bad(event.message),)
            case Reload():
                return self._failed(event.service, "does not compile", event.message)
            case Happened():
                return self._happened(event)
            case DepsChanged():
                lines = [f"{event.service}: dependencies changed", *(f"  {c.text}" for c in event.changes)]
                return ("\n".join(lines),)
            case DepsRebuilt():
                self._broken.pop(event.service, None)
                took = f"{event.ms / 1000:.1f} s"
                does = "serves with" if event.debugger is None else "has"
                waits = f"; it waits for a debugger on {event.debugger}" if event.debugger is not None else ""
                return (self.style.good(f"{event.service} {does} the new dependencies, {took}{waits}"),)
            case DepsFailed():
                return self._failed(event.service, "was not replaced", event.message)
            case Switched():
                gap = f" ({event.gap_ms} ms downtime)" if event.gap_ms is not None else ""
                times = f"{event.ms / 1000:.1f} s{gap}"
                return (self.style.good(f"{event.service}: {event.from_} → {event.to}, {times}"),)
            case _:
                return ()

    def _happened(self, event: Happened) -> tuple[Part, ...]:
        service = event.service
        first, _, _ = event.message.partition("\n")
        below = tuple(f"\n  {line}" for line in event.message.splitlines())
        match event.what:
            case "reloaded":
                self._broken.pop(service, None)
                self._dead.discard(service)
                return (self.style.good(f"{service} reloaded, built in {event.ms / 1000:.2f} s"),)
            case "unchanged":
                return self._unchanged(service)
            case "build failed":
                at = datetime.fromtimestamp(event.at) if event.at else None
                return self._failed(service, "does not compile", event.message, at=at, serves=event.serves)
            case "exited":
                self._dead.add(service)
                paint = self.style.bad if first != "0" else self.style.warn
                return (paint(f"{service} exited with code {first}"),)
            case "killed":
                return (self.style.warn(f"{service} was killed: {event.message}"),)
            case "command failed" if event.message == self._commands.get(service):
                return (self.style.warn(f"{service}: a command of .air.toml failed: the same error"),)
            case "command failed":
                self._commands[service] = event.message
                return (self.style.warn(f"{service}: a command of .air.toml failed:"), *below)
            case "noted" if event.message in self._noted.setdefault(service, set()):
                return ()
            case "noted":
                self._noted[service].add(event.message)
                return (self.style.warn(f"{service}: {event.message}"),)
            case "air ended":
                return (self.style.bad(f"{service} is no longer reloaded:"), *below)

    def _unchanged(self, service: str) -> tuple[Part, ...]:
        """Worth a line only if it takes back a compile error."""
        if self._broken.pop(service, None) is None:
            return ()
        return (self.style.good(f"{service} compiles again, to the binary that is already running"),)

    def _failed(
        self,
        service: str,
        what: str,
        message: str,
        *,
        at: datetime | None = None,
        serves: bool = True,
    ) -> tuple[Part, ...]:
        before, since = self._broken.get(service, (None, at or self.now()))
        self._broken[service] = (message, since)
        serves = serves and service not in self._dead
        head = (
            f"{service} {what}, {f'serving old code since {since:%H:%M}' if serves else 'nothing is served'}"
        )
        if message == before or not message:
            return (self.style.bad(f"{head}{': the same error' if message else ''}"),)
        return (self.style.bad(f"{head}:"), *(f"\n  {line}" for line in message.splitlines()))


def _step_text(event: StepStarted | StepDone | StepFailed) -> str:
    name = f"{event.step} {event.service}" if event.service else event.step
    return in_one_line(f"{name}: {event.cause}" if event.cause else name)
