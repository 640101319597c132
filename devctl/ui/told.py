"""What happened to a service, in a sentence for a person. Knows no stream and no terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from devctl.domain.events import (
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    Reload,
    StepDone,
    StepFailed,
    StepStarted,
    Switched,
)
from devctl.ui.style import Style


@dataclass(slots=True)
class Teller:
    """Remembers which service serves old code, since when and why: a message that stays the same is shown once."""

    style: Style
    now: Callable[[], datetime]
    _broken: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def told(self, event: Event) -> str:
        match event:
            case Reload(ok=True):
                self._broken.pop(event.service, None)
                return self.style.good(f"{event.service} reloaded: saved → served {event.ms / 1000:.2f} s")
            case Reload():
                return self._failed(event.service, "does not compile", event.message)
            case DepsChanged():
                lines = [f"{event.service}: dependencies changed", *(f"  {c.text}" for c in event.changes)]
                return "\n".join(lines)
            case DepsRebuilt():
                self._broken.pop(event.service, None)
                return self.style.good(
                    f"{event.service} serves with the new dependencies, {event.ms / 1000:.1f} s"
                )
            case DepsFailed():
                return self._failed(event.service, "was not replaced", event.message)
            case Switched():
                times = f"{event.ms / 1000:.1f} s, without an answer for {event.gap_ms} ms"
                return self.style.good(f"{event.service}: {event.from_} → {event.to}, {times}")
            case _:
                return ""

    def _failed(self, service: str, what: str, message: str) -> str:
        before, since = self._broken.get(service, (None, self.now()))
        self._broken[service] = (message, since)
        head = f"{service} {what}, serving old code since {since:%H:%M}"
        if message == before or not message:
            return self.style.bad(f"{head}{': the same error' if message else ''}")
        return "\n".join([self.style.bad(f"{head}:"), *(f"  {line}" for line in message.splitlines())])


def step_text(event: StepStarted | StepDone | StepFailed) -> str:
    name = f"{event.step} {event.service}" if event.service else event.step
    return f"{name}: {event.cause}" if event.cause else name
