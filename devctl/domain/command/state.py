"""A snapshot of a project: the `state` object (docs/reference/json-output.md), built from what the engine shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from msgspec import Struct, convert
from msgspec.structs import asdict

Mode = Literal["dev", "prod"]
ProjectMode = Literal["dev", "prod", "stopped", "mixed"]
Kind = Literal["service", "dependency"]
Health = Literal["healthy", "unhealthy", "starting", "none"]


class ServiceState(Struct, frozen=True):
    """`state` is the engine's word or `absent`; `container` the full id; `deps` None for a dependency. `finished`: a job that
    ran to completion, possibly in a container that still runs. `debugger`: the address at which its program is debugged,
    which `waits` for a debugger before it starts."""

    name: str
    kind: Kind
    state: str = "absent"
    health: Health = "none"
    mode: Mode | None = None
    url: str | None = None
    image: str | None = None
    image_id: str | None = None
    container: str | None = None
    deps: str | None = None
    finished: bool = False
    debugger: str | None = None
    waits: bool = False

    @property
    def shown(self) -> str:
        """The state as shown to people."""
        return "finished" if self.finished else self.state

    @property
    def debugged(self) -> str:
        """The end of the line shown to people."""
        starts = " (starts the program once connected)" if self.waits else ""
        return f"  debugger on {self.debugger}{starts}" if self.debugger else ""

    def as_json(self) -> dict[str, object]:
        return {key: value for key, value in asdict(self).items() if key not in ("finished", "waits")}


class WatcherState(Struct, frozen=True):
    state: Literal["running", "absent"] = "absent"
    pid: int | None = None


class Serving(Struct, frozen=True):
    """Which code is served; `reason` is None if it is current."""

    state: Literal["current", "old", "none"] = "none"
    reason: str | None = None


class State(Struct, frozen=True):
    mode: ProjectMode
    services: tuple[ServiceState, ...]
    watcher: WatcherState
    serving: Serving

    @property
    def running(self) -> list[str]:
        """What has a process, even one that is paused or restarting."""
        return [s.name for s in self.services if s.state in ("running", "restarting", "paused")]

    @property
    def still_runs(self) -> str:
        """`shop still runs`, for a sentence."""
        names = self.running
        return (
            f"{', '.join(names)} still {'runs' if len(names) == 1 else 'run'}"
            if names
            else "nothing is running"
        )

    @classmethod
    def of(cls, result: Mapping[str, object]) -> Self:
        """That of a command's result, which `as_json` is a part of."""
        return convert(dict(result), cls)

    def as_json(self) -> dict[str, object]:
        return {
            "mode": self.mode,
            "services": [s.as_json() for s in self.services],
            "watcher": asdict(self.watcher),
            "serving": asdict(self.serving),
        }


def ready_text(state: State, ms: int | None, *, did: bool) -> str:
    """What people see when services are up: one line per service with its address."""
    took = f" in {ms / 1000:.1f} s" if ms is not None and did else ""
    done = "started" if any(s.waits for s in state.services) else "ready"
    head = f"{done}{took}" if did else "already up"
    lines = [
        f"  {s.name:<12} {s.mode or s.kind:<10} {s.shown:<9} {s.url or ''}{s.debugged}".rstrip()
        for s in state.services
    ]
    old = [f"serving old: {state.serving.reason}"] if state.serving.state == "old" else []
    return "\n".join([head, *lines, *old])
