"""The status line of a foreground `up`: a status derived from the events, and the line that shows it in a given width."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import (
    ENDED_AT_START,
    NO_ANSWER,
    UNCHANGED,
    Building,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Doing,
    Event,
    Filtered,
    Following,
    GoTested,
    Happened,
    Reload,
    Seen,
    StepDone,
    StepFailed,
    StepStarted,
)
from devctl.domain.command.state import ProjectMode
from devctl.domain.project.control_characters import in_one_line

Look = Literal["plain", "good", "bad", "warn", "dim"]
SHOWN_AFTER = 0.5
"""Seconds until a step or build that no key started gets a place in the line."""
ANY = ""
"""In place of a service, if it is only known that the project serves old code, or nothing."""


class Timed(Struct, frozen=True):
    """Something that has been running since then, or that happened then."""

    what: str
    at: datetime


class GoTestsTold(Struct, frozen=True):
    """`stale`: the code has changed since."""

    word: str
    at: datetime
    stale: bool = False


class Reloaded(Struct, frozen=True):
    service: str
    ms: int
    at: datetime


class Status(Struct, frozen=True):
    """`broken`: the services that serve old code, and since when; `silent`: those that serve nothing; `building`: like `broken`."""

    mode: ProjectMode | None = None
    url: str | None = None
    services: tuple[str, ...] = ()
    broken: Mapping[str, datetime] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    building: Mapping[str, datetime] = field(default_factory=dict)
    steps: tuple[Timed, ...] = ()
    doing: Timed | None = None
    reload: Reloaded | None = None
    tests: GoTestsTold | None = None
    only: str = ""


class Piece(Struct, frozen=True):
    look: Look
    text: str


def after(status: Status, event: Event, at: datetime) -> Status:
    """The status after an event."""
    match event:
        case Seen():
            return _seen(status, event, at)
        case Following():
            return replace(status, services=event.services)
        case StepStarted():
            return replace(status, steps=(*status.steps, Timed(_named(event), at)))
        case StepDone() | StepFailed():
            return replace(status, steps=tuple(s for s in status.steps if s.what != _named(event)))
        case Doing():
            return replace(status, doing=Timed(event.what, at) if event.what else None)
        case GoTested():
            return replace(status, tests=GoTestsTold("passed" if event.ok else "failed", at))
        case Filtered():
            return replace(status, only=event.service)
        case _:
            return _after_reload(status, event, at)


def _after_reload(status: Status, event: Event, at: datetime) -> Status:
    match event:
        case Building(begun=True) | DepsChanged():
            tests = replace(status.tests, stale=True) if status.tests is not None else None
            now = replace(status, tests=tests)
            return (
                replace(now, building={**now.building, event.service: at})
                if isinstance(event, Building)
                else now
            )
        case Building():
            return replace(status, building=_without(status.building, event.service))
        case Reload(ok=True) if event.message == UNCHANGED:
            return _compiles(status, event.service)
        case Reload(ok=True):
            return _serves(status, event.service, Reloaded(event.service, event.ms, at))
        case Reload() if any(word in event.message for word in (ENDED_AT_START, NO_ANSWER)):
            return replace(status, silent=status.silent | {event.service})
        case Reload() | DepsFailed():
            return _old(status, event.service, at)
        case DepsRebuilt():
            return _serves(status, event.service, status.reload)
        case Happened():
            return _happened(status, event, at)
        case _:
            return status


def _seen(status: Status, event: Seen, at: datetime) -> Status:
    now = replace(status, mode=event.mode, url=event.url)
    # In other containers, what was known about the previous ones no longer applies.
    if event.mode != status.mode:
        now = replace(now, building={})
    match event.serving:
        case "current":
            return replace(now, broken={}, silent=frozenset())
        case "old":
            return now if now.broken else replace(now, broken={ANY: at})
        case "none":
            return now if now.silent else replace(now, silent=frozenset({ANY}))
        case None:
            return now


def _happened(status: Status, event: Happened, at: datetime) -> Status:
    match event.what:
        case "reloaded":
            return _serves(status, event.service, Reloaded(event.service, event.ms, at))
        case "unchanged":
            return _compiles(status, event.service)
        case "build failed" if event.serves:
            return _old(status, event.service, at)
        case "build failed" | "exited":
            return replace(status, silent=status.silent | {event.service})
        case _:
            return status


def _serves(status: Status, service: str, reload: Reloaded | None) -> Status:
    now = _compiles(status, service)
    return replace(now, silent=now.silent - {service, ANY}, reload=reload)


def _compiles(status: Status, service: str) -> Status:
    broken = _without(_without(status.broken, service), ANY)
    return replace(status, broken=broken, building=_without(status.building, service))


def _old(status: Status, service: str, at: datetime) -> Status:
    broken = status.broken if service in status.broken else {**_without(status.broken, ANY), service: at}
    return replace(status, broken=broken, building=_without(status.building, service))


def _without(found: Mapping[str, datetime], service: str) -> Mapping[str, datetime]:
    return {name: at for name, at in found.items() if name != service}


def _named(step: StepStarted | StepDone | StepFailed) -> str:
    return f"{step.step} {step.service}" if step.service else step.step


class _Said(Struct, frozen=True):
    """One part of the line, from its longest form to its shortest."""

    name: str
    look: Look
    forms: tuple[str, ...]


_SHORTEN = "keys reload tests keys code tests logs reload reload doing logs url doing keys code".split()
"""The order in which the parts get shorter in a narrow terminal: each mention of a part means its next form. The last form of
every part except the mode and the work in progress is empty."""


def line(status: Status, *, at: datetime, width: int, utf8: bool) -> tuple[Piece, ...]:
    """The pieces of the line, which together take less than `width` cells of a terminal; only ASCII without `utf8`."""
    lead, between, cut = ("─ ", " · ", "…") if utf8 else ("- ", " | ", "~")
    said = [s for s in _said(status, at) if s.forms[0]]
    for name in ("", *_SHORTEN):
        said = [_shorter(s) if s.name == name else s for s in said]
        pieces = [Piece(s.look, _shown(s.forms[0], utf8)) for s in said if s.forms[0]]
        found = [Piece("dim", lead), *_joined(pieces, between)]
        if sum(cells(p.text) for p in found) < width:
            break
    return tuple(_cut_to(found, width - 1, cut))


def _shorter(said: _Said) -> _Said:
    return replace(said, forms=said.forms[1:]) if len(said.forms) > 1 else said


def _said(status: Status, at: datetime) -> list[_Said]:
    """The parts in their order."""
    doing = _doing(status, at)
    said = [_Said("mode", "warn" if status.mode == "prod" else "plain", (status.mode or "",))]
    said += [doing] if doing is not None else []
    said += [code] if (code := _code(status, at)) is not None else []
    said += [_Said("url", "plain", (status.url, ""))] if status.url else []
    if (last := status.reload) is not None and status.mode != "prod":
        who = f"{last.service} " if len(status.services) > 1 else ""
        took = f"{last.ms / 1000:.2f} s"
        time = f"{last.at:%H:%M:%S}"
        forms = (f"{who}reloaded in {took} at {time}", f"{who}{took}, {time}", took, "")
        said += [_Said("reload", "plain", forms)]
    if (tests := status.tests) is not None:
        said += [_tests(tests)]
    said += [_Said("logs", "warn", (f"log of {status.only} only", status.only, ""))] if status.only else []
    return [*said, _Said("keys", "dim", ("? shows the keys", "? keys", "?", ""))]


def _tests(tests: GoTestsTold) -> _Said:
    if tests.stale:
        return _Said("tests", "dim", (f"tests {tests.word} before the last change", ""))
    look: Look = "good" if tests.word == "passed" else "bad"
    return _Said("tests", look, (f"tests {tests.word} at {tests.at:%H:%M}", f"tests {tests.word}", ""))


def _doing(status: Status, at: datetime) -> _Said | None:
    step = status.steps[-1] if status.steps else None
    if status.doing is not None:
        did, spent = status.doing.what, _seconds(status.doing.at, at)
        named = step is None or step.what.split()[0] == did
        long = f"{did} {spent}" if step is None or named else f"{did}: {step.what} {spent}"
        return _Said("doing", "warn", (long, f"{did} {spent}", did))
    if step is None or _elapsed(step.at, at) < SHOWN_AFTER:
        return None
    return _Said("doing", "warn", (f"{step.what} {_seconds(step.at, at)}", step.what))


def _code(status: Status, at: datetime) -> _Said | None:
    """Which code is served, by the service in the worst state; in production it is always the code of the image."""
    several = len(status.services) > 1
    slow = {name: since for name, since in status.building.items() if _elapsed(since, at) >= SHOWN_AFTER}
    if slow:
        since = min(slow.values())
        who = f" {min(slow)}" if several else ""
        return _Said("code", "warn", (f"building{who} {_seconds(since, at)}", "building"))
    if status.mode not in ("dev", "mixed"):
        return None
    if status.silent:
        return _Said(
            "code", "bad", (f"{_whose(status.silent, several)}nothing is served", "nothing is served")
        )
    if status.broken:
        since = min(status.broken.values())
        who = _whose(status.broken, several)
        return _Said("code", "bad", (f"{who}old code since {since:%H:%M}", f"{who}old code", "old code"))
    return _Said("code", "good", ("current code", "current"))


def _whose(services: Sequence[str] | frozenset[str] | Mapping[str, datetime], several: bool) -> str:
    names = sorted(name for name in services if name != ANY)
    return f"{', '.join(names)}: " if several and names else ""


def _elapsed(since: datetime, at: datetime) -> float:
    return (at - since).total_seconds()


def _seconds(since: datetime, at: datetime) -> str:
    return f"{max(0, int(_elapsed(since, at)))} s"


def _shown(text: str, utf8: bool) -> str:
    """On one line, and in ASCII if the terminal shows nothing else."""
    text = in_one_line(text)
    return text if utf8 else text.encode("ascii", errors="replace").decode("ascii")


def _joined(pieces: Sequence[Piece], between: str) -> list[Piece]:
    joined = [part for piece in pieces for part in (Piece("dim", between), piece)]
    return joined[1:]


def _cut_to(pieces: Sequence[Piece], room: int, cut: str) -> list[Piece]:
    kept: list[Piece] = []
    for piece in pieces:
        if cells(piece.text) <= room:
            kept.append(piece)
            room -= cells(piece.text)
            continue
        text = ""
        for character in piece.text:
            if cells(text + character) > room - 1:
                break
            text += character
        return [*kept, Piece(piece.look, text + cut)] if room > 0 else kept
    return kept


def cells(text: str) -> int:
    """The number of cells that a text takes in a terminal, at most."""
    return sum(2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text)
