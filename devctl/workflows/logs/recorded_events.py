"""The background watcher's events, one JSON event per line: read from a file that containers can write, and only shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from msgspec import convert

from devctl.domain.command.events import Event, InJson, OfService
from devctl.domain.numbers import int64

_KINDS = {kind.name: kind for kind in get_args(InJson)}
_HEAD = frozenset({"type", "name", "at"})


def recorded_event(line: str) -> Mapping[str, Any] | None:
    """None for what is not one of devctl's events: the envelope of the watcher, half a line, or what something else wrote."""
    found = _read(line)
    return found[0] if found is not None else None


def recorded_at(line: str) -> float:
    """Its time, in seconds; 0 if it has none."""
    said = recorded_event(line) or {}
    try:
        return datetime.fromisoformat(str(said.get("at"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def told_to_people(line: str) -> tuple[float, Event] | None:
    """Its time, in seconds, and the event, if it is one of those that people see when it happens."""
    found = _read(line)
    if found is None or not isinstance(found[1], OfService):
        return None
    try:
        return datetime.fromisoformat(found[0]["at"]).timestamp(), found[1]
    except (ValueError, OverflowError):
        return None


def _read(line: str) -> tuple[Mapping[str, Any], Event] | None:
    try:
        said = json.loads(line, parse_int=int64)
        if not isinstance(said, dict) or said.get("type") != "event" or not isinstance(said.get("at"), str):
            return None
        kind = _KINDS[said["name"]]
        own = {key: value for key, value in _renamed(said).items() if key not in _HEAD}
        event: Event = convert(own, kind)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (said, event) if set(own) <= set(kind.__struct_fields__) else None


def _renamed(value: Any) -> Any:
    """`from` is called `from_` in Python."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {"from_" if key == "from" else key: _renamed(item) for key, item in value.items()}
