"""One line for each event of a service: from its log, and from the watcher, which also knows when it answered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct, field

from devctl.domain.command.events import Event, Happened, Reload
from devctl.domain.failures.dev_log import Mark

WAITED = 2.0
"""Seconds within which a watcher reports a reload that the log shows; after that only the log counts."""
ANSWERED = 12.0
"""Seconds after a build within which the watcher reports whether the program answers."""
SKEW = 1.0
"""The log has whole seconds."""
_What = Literal["exited", "killed", "command failed", "air ended", "noted"]
_AT_ONCE: dict[str, _What] = {
    "app.exited": "exited",
    "app.killed": "killed",
    "command.failed": "command failed",
    "air.ended": "air ended",
    "noted": "noted",
}


class OfLog(Struct):
    """What the marks in one container's log add up to."""

    service: str
    _built: Mark | None = None
    _ran: bool = False
    _broken: bool = False

    def of(self, mark: Mark) -> Iterable[Happened]:
        match mark.kind:
            case "container.started":  # whoever started it says so
                self._built, self._ran, self._broken = None, False, False
            case "build.ok" | "build.unchanged":
                if mark.message:
                    yield Happened(self.service, "command failed", mark.message, at=mark.at)
                if mark.kind == "build.ok":
                    self._built = mark
                elif self._broken:
                    self._broken = False
                    yield Happened(self.service, "unchanged", at=mark.at)
            case "build.failed":
                self._broken = True
                yield Happened(self.service, "build failed", mark.message, at=mark.at, serves=mark.serves)
            case "app.started" | "app.replaced":
                built, self._built = self._built, None
                if built is not None and (self._ran or self._broken or mark.kind == "app.replaced"):
                    yield self._reloaded(built)
                self._ran = True
            case kind if kind in _AT_ONCE:
                self._ran = self._ran or kind == "app.exited"
                yield Happened(
                    self.service, _AT_ONCE[kind], mark.message.removeprefix("killed the program: ")
                )
            case _:
                pass

    def _reloaded(self, built: Mark) -> Happened:
        self._broken = False
        return Happened(self.service, "reloaded", ms=built.ms, at=built.at)


class TellOnce(Struct):
    """`emit`: to the person. `since`: the time before which no watcher is going to report anything any more; `past`: what one
    has reported about that, with its time. `watched`: a watcher in this very process reports reloads."""

    emit: Callable[[Event], None]
    now: Callable[[], float]
    since: float
    past: list[tuple[float, Event]] = field(default_factory=list)
    watched: bool = False
    _waiting: dict[str, tuple[float, Happened]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def by_log(self, event: Happened) -> None:
        if event.what not in ("reloaded", "unchanged", "build failed"):
            self.emit(event)
        elif self.watched:
            pass
        elif (event.at or self.now()) < self.since:
            self.emit(self._measured(event) or event)
        else:
            self._told.discard(event.service)
            self._waiting[event.service] = (self.now() + WAITED, event)

    def by_watcher(self, event: Event) -> None:
        if isinstance(event, Reload):
            self._waiting.pop(event.service, None)
            if event.service in self._told:
                self._told.discard(event.service)
                return
        self.emit(event)

    def _measured(self, event: Happened) -> Reload | None:
        """What the watcher reported about the same reload: soon after its build, and about no other one."""
        for at, told in self.past:
            if (
                isinstance(told, Reload)
                and (told.service, told.ok, event.what) == (event.service, True, "reloaded")
                and event.at - SKEW <= at <= event.at + ANSWERED
            ):
                self.past.remove((at, told))
                return told
        return None

    def waited(self) -> None:
        now = self.now()
        for service, (until, event) in list(self._waiting.items()):
            if now >= until:
                self._by_log_alone(service, event)

    def _by_log_alone(self, service: str, event: Happened) -> None:
        self._waiting.pop(service, None)
        self._told.add(service)
        self.emit(event)

    def end(self) -> None:
        for service, (_, event) in list(self._waiting.items()):
            self._by_log_alone(service, event)
