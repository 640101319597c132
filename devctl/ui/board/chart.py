"""Bars of text: a moment is a column, its height the time that it took; what failed is told apart without colour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from devctl.domain.board.history import Moment

EIGHTHS = " ▁▂▃▄▅▆▇█"
MARKS = {"reload": " ", "deps": "+", "switch": "↔"}
FAILED = "✗"
LABEL = 7
"""Columns for the longest time, at the left."""


class Bars(Struct, frozen=True):
    """`rows`: from the top, each a cell for every moment of `shown`; `marks`: the line below them; `step`: columns for a moment."""

    shown: tuple[Moment, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...]
    most: int
    step: int


def bars(moments: Sequence[Moment], *, width: int, height: int) -> Bars:
    """The newest moments that fit; with a gap between them while there is room for it."""
    room = max(1, width - LABEL)
    step = 2 if len(moments) * 2 <= room else 1
    shown = tuple(moments[-max(1, room // step) :])
    most = max((m.ms for m in shown), default=0)
    rows = tuple(tuple(_cell(m, most, row, height) for m in shown) for row in range(height - 1, -1, -1))
    return Bars(shown, rows, tuple(FAILED if not m.ok else MARKS[m.kind] for m in shown), most, step)


def _cell(moment: Moment, most: int, row: int, height: int) -> str:
    """`row` 0 is the lowest. A moment has at least the smallest of bars."""
    eighths = max(1, round(moment.ms * height * 8 / most)) if most else 1
    return EIGHTHS[min(8, max(0, eighths - row * 8))]


def clock(at: float) -> str:
    """A container may have written the time of an event, and a year in which no clock is."""
    try:
        return datetime.fromtimestamp(at).strftime("%H:%M")
    except (ValueError, OverflowError, OSError):
        return "--:--"


def seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"
