"""One look at a running project, and where the full view gets it from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from devctl.domain.board.history import GoModChange, Moment
from devctl.domain.command.state import State
from devctl.domain.preview.last_preview import LastPreview


class BoardView(Struct, frozen=True):
    """Everything but the logs. `trouble`: why it may be out of date, "" where it is not."""

    project: str
    root: str
    state: State
    moments: tuple[Moment, ...] = ()
    go_mod: GoModChange | None = None
    preview: LastPreview | None = None
    trouble: str = ""


class BoardLine(Struct, frozen=True):
    """A line among the logs: of a program, or of what devctl has to say of it."""

    service: str
    kind: Literal["stdout", "stderr", "good", "bad"]
    text: str


class Board(Protocol):
    """A project that is observed in the background; asked from the thread of the view, it never waits."""

    def view(self) -> BoardView:
        """The last look: the same object until there is a newer one."""

    def new_lines(self) -> Sequence[BoardLine]:
        """Those since the last call."""

    def broken(self) -> bool:
        """Whether the view is to end: the observation ended with an error, or nobody sees it any more."""


class Look(Struct, frozen=True):
    """`color`: False without any; `dark`: None where the terminal does not say. `can_open`: whether a browser can be opened."""

    color: bool = True
    dark: bool | None = None
    can_open: bool = True


Show = Callable[[Board, Look], None]
"""Draws a board until the person leaves."""
ServePage = Callable[[Sequence[str], str, int, Callable[[str], None]], None]
"""Serves what a command draws, under a title, on a port of 127.0.0.1 (0: a free one), until Ctrl-C. The last hears the address."""
