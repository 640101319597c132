"""What the background watcher told, one JSON event a line: read from a file that containers can write, and only shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from devctl.domain.command.events import InJson
from devctl.domain.project.notes import fitted

_KINDS = {kind.name: kind for kind in get_args(InJson)}
_HEAD = frozenset({"type", "name", "at"})


def recorded_event(line: str) -> Mapping[str, Any] | None:
    """None for what is no event of ours: the envelope of the watcher, half a line, or what something else wrote."""
    try:
        said = json.loads(line)
        if not isinstance(said, dict) or said.get("type") != "event" or not isinstance(said.get("at"), str):
            return None
        kind = _KINDS[said["name"]]
        own = {key: value for key, value in _renamed(said).items() if key not in _HEAD}
        fitted(kind, own)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return said if set(own) <= {f.name for f in fields(kind)} else None


def _renamed(value: Any) -> Any:
    """`from` is called `from_` in Python."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {"from_" if key == "from" else key: _renamed(item) for key, item in value.items()}
