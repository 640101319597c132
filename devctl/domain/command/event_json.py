"""The JSON form of an event, whoever writes it: a command with --json, or a watcher into its file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from devctl.domain.command.events import Change, Event


def event_json(event: Event, *, now: datetime) -> dict[str, Any]:
    """`type`, `name`, `at`, then the event's own keys; `from_` is called `from`."""
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {name.rstrip("_"): _plain(value) for name, value in asdict(event).items()}
    return {"type": "event", "name": event.name, "at": at, **own}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [item.as_json() if isinstance(item, Change) else item for item in value]
    return value
