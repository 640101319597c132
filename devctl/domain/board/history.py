"""What happened to the services of a project, in order: the bars of the timeline, and the last change of go.mod."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import (
    UNCHANGED,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    Happened,
    Reload,
    Switched,
)
from devctl.domain.failures.places import telling_line

KEPT = 240
"""Moments that are kept: enough for one bar each on a very wide screen."""
LONGEST = 10_000_000
"""Milliseconds. A limit, since containers can write to the file that events are read from."""
SAME = 12.0
"""Seconds within which a log and a watcher report the same build."""
SKEW = 1.0
"""Seconds: the times in a log are rounded to whole ones."""
MomentKind = Literal["reload", "deps", "switch"]


class Moment(Struct, frozen=True):
    """One reload, rebuild of the dependencies, or switch. `at`: seconds since the epoch; `ms`: from the change until it was served
    or failed; `text`: the outcome in one line."""

    at: float
    kind: MomentKind
    service: str
    ok: bool
    ms: int
    text: str = ""


class GoModChange(Struct, frozen=True):
    """`lines`: what changed, in words; `outcome` is None while the new layer is being built."""

    at: float
    service: str
    lines: tuple[str, ...] = ()
    outcome: Moment | None = None


class Figures(Struct, frozen=True):
    """The times of the good reloads and rebuilds, in ms; None where there was none."""

    failed: int = 0
    last: int | None = None
    usual: int | None = None
    deps: int | None = None


class History(Struct):
    """A bounded history. `hear` gets events as they arrive."""

    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=KEPT))
    go_mod: GoModChange | None = None

    def hear(self, at: float, event: Event) -> Moment | None:
        """The moment that an event completes; None if it completes none."""
        if isinstance(event, DepsChanged):
            self.go_mod = GoModChange(at, event.service, tuple(change.text for change in event.changes))
            return None
        moment = _moment(at, event, began=self.go_mod)
        if moment is not None:
            moment = replace(moment, ms=min(max(0, moment.ms), LONGEST))
            self.moments.append(moment)
            self._finishes(moment)
        return moment

    def _finishes(self, moment: Moment) -> None:
        change = self.go_mod
        if moment.kind == "deps" and change is not None and change.service == moment.service:
            self.go_mod = GoModChange(change.at, change.service, change.lines, moment)

    def knows(self, event: Happened) -> bool:
        """Whether a watcher has already reported the same build, before the log was read."""
        return any(
            m.service == event.service and event.at - SKEW <= m.at <= event.at + SAME for m in self.moments
        )


def figures(moments: tuple[Moment, ...]) -> Figures:
    good = [m.ms for m in moments if m.kind == "reload" and m.ok and m.text != UNCHANGED]
    deps = [m.ms for m in moments if m.kind == "deps" and m.ok]
    return Figures(
        failed=sum(not m.ok for m in moments),
        last=good[-1] if good else None,
        usual=round(median(good)) if good else None,
        deps=deps[-1] if deps else None,
    )


def _moment(at: float, event: Event, *, began: GoModChange | None) -> Moment | None:
    match event:
        case Reload():
            return Moment(at, "reload", event.service, event.ok, event.ms, _line(event.message))
        case Happened(what="reloaded" | "unchanged"):
            text = UNCHANGED if event.what == "unchanged" else ""
            return Moment(event.at or at, "reload", event.service, True, event.ms, text)
        case Happened(what="build failed"):
            return Moment(event.at or at, "reload", event.service, False, event.ms, _line(event.message))
        case DepsRebuilt():
            return Moment(at, "deps", event.service, True, event.ms)
        case DepsFailed():
            mine = began is not None and began.service == event.service and began.outcome is None
            ms = round((at - began.at) * 1000) if mine and began is not None else 0
            return Moment(at, "deps", event.service, False, max(0, ms), _line(event.message))
        case Switched():
            return Moment(at, "switch", event.service, True, event.ms, f"{event.from_} → {event.to}")
        case _:
            return None


def _line(message: str) -> str:
    return (telling_line(message) or message.strip().partition("\n")[0])[:500]


def told(moment: Moment) -> str:
    """Its line among the logs."""
    seconds = f"{moment.ms / 1000:.2f} s"
    if not moment.ok:
        what = "reload failed" if moment.kind == "reload" else "dependencies were not applied"
        return f"{what}: {moment.text}" if moment.text else what
    if moment.kind == "deps":
        return f"serves with the new dependencies, {seconds}"
    if moment.kind == "switch":
        return f"{moment.text}, {seconds}"
    return (
        "compiled to the binary that is already running"
        if moment.text == UNCHANGED
        else f"reloaded in {seconds}"
    )
