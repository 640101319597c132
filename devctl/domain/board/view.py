"""A snapshot of a running project, and the interface through which the full view gets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from devctl.domain.board.history import GoModChange, Moment
from devctl.domain.command.state import State
from devctl.domain.preview.last_preview import LastPreview


class BoardView(Struct, frozen=True):
    """Everything except the logs. `trouble`: why it may be out of date, else ""."""

    project: str
    state: State
    moments: tuple[Moment, ...] = ()
    go_mod: GoModChange | None = None
    preview: LastPreview | None = None
    trouble: str = ""


class BoardLine(Struct, frozen=True):
    """A line among the logs: printed by a program, or by devctl about it."""

    service: str
    kind: Literal["stdout", "stderr", "good", "bad"]
    text: str


class Board(Protocol):
    """A project that is observed in the background. Its methods are called from the thread of the view, and never wait."""

    def view(self) -> BoardView:
        """The latest snapshot: the same object until there is a newer one."""

    def new_lines(self) -> Sequence[BoardLine]:
        """The lines since the previous call."""

    def broken(self) -> bool:
        """Whether the view should end: observing failed, or nobody sees the view any more."""


class Look(Struct, frozen=True):
    """`color`: False for none; `dark`: None if the terminal does not say; `can_open`: whether a browser can be opened."""

    color: bool = True
    dark: bool | None = None
    can_open: bool = True


Show = Callable[[Board, Look], None]
"""Draws a board until the user quits."""
ServePage = Callable[[Sequence[str], str, int, Callable[[str], None]], None]
"""Serves what a command draws, under a title, on a port of 127.0.0.1 (0: a free one), until Ctrl-C. The last argument gets the
address."""
