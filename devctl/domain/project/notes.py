"""Notes as JSON and back: the type of a note says what is expected, and what does not fit it is no note."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from devctl.domain.numbers import int64
from devctl.domain.project.state_folder import Note

N = TypeVar("N", bound=Note)


def encode(note: Note) -> str:
    # By `json`: msgspec refuses what a file name that is no UTF-8 is to Python.
    return json.dumps(msgspec.to_builtins(note, order="sorted"), indent=1) + "\n"


def decode(kind: type[N], text: str | None) -> N:
    """`kind()` where there is no text, or one that is not this note: another version wrote it, or something else did."""
    try:
        return msgspec.convert(json.loads(text or "null", parse_int=int64), kind)
    except (ValueError, RecursionError):
        return kind()
