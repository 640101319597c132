"""Notes as JSON and back: the type of a note says what is expected, and anything that does not match is no note."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from devctl.domain.numbers import int64
from devctl.domain.project.state_folder import Note

N = TypeVar("N", bound=Note)


def encode(note: Note) -> str:
    # With `json`: msgspec refuses what Python makes of a file name that is not UTF-8.
    return json.dumps(msgspec.to_builtins(note, order="sorted"), indent=1) + "\n"


def decode(kind: type[N], text: str | None) -> N:
    """`kind()` if there is no text, or one that is not this note: another version, or something else, wrote it."""
    try:
        return msgspec.convert(json.loads(text or "null", parse_int=int64), kind)
    except (ValueError, RecursionError):
        return kind()
