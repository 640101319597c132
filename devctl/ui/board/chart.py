"""Bars of text: a moment is a column, as high as it took long; failures are recognisable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from devctl.domain.board.history import Moment

EIGHTHS = " ▁▂▃▄▅▆▇█"
MARKS = {"reload": " ", "deps": "+", "switch": "↔"}
FAILED = "✗"
LABEL = 7
"""Columns at the left, for the longest time."""


class Bars(Struct, frozen=True):
    """`rows`: from the top, with a cell for each moment in `shown`; `marks`: the line below them; `step`: columns per moment."""

    shown: tuple[Moment, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...]
    most: int
    step: int


def bars(moments: Sequence[Moment], *, width: int, height: int) -> Bars:
    """The newest moments that fit, with gaps between them if there is room."""
    room = max(1, width - LABEL)
    step = 2 if len(moments) * 2 <= room else 1
    shown = tuple(moments[-max(1, room // step) :])
    most = max((m.ms for m in shown), default=0)
    rows = tuple(tuple(_cell(m, most, row, height) for m in shown) for row in range(height - 1, -1, -1))
    return Bars(shown, rows, tuple(FAILED if not m.ok else MARKS[m.kind] for m in shown), most, step)


def _cell(moment: Moment, most: int, row: int, height: int) -> str:
    """`row` 0 is the lowest. Each moment gets at least the smallest bar."""
    eighths = max(1, round(moment.ms * height * 8 / most)) if most else 1
    return EIGHTHS[min(8, max(0, eighths - row * 8))]


def clock(at: float) -> str:
    """The time of an event may have been written by a container, and be out of range."""
    try:
        return datetime.fromtimestamp(at).strftime("%H:%M")
    except (ValueError, OverflowError, OSError):
        return "--:--"


def seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"
