"""What the services print, and what devctl reports about them: for all or for one, and only lines with a given text."""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devctl.domain.board.view import BoardLine
from devctl.domain.project.control_characters import in_one_line
from devctl.domain.regex import regex
from devctl.ui import style
from devctl.ui.json_log import readable

KEPT = 5_000
LONGEST = 4_000
"""Characters of a line; the rest is cut."""
WIDE = 14
PLAIN = style.Style(color=False)
SIGNS = {"good": "✓ ", "bad": "✗ "}
"""In front of devctl's own lines, to distinguish them from those of programs."""
NAMES = 4
"""The number of colours for names."""
_COLOURED = regex(r"\x1b\[[0-9;:]*m")


class _Row(Struct, frozen=True):
    """A line of the screen; `name` is empty if it continues the line above."""

    name: str
    kind: str
    text: str


class LogView(ScrollView, can_focus=True):
    """Keeps following at the end of the logs until it is scrolled up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "logs--good",
        "logs--bad",
        "logs--found",
        *(f"logs--name-{number}" for number in range(NAMES)),
    }

    def __init__(self) -> None:
        super().__init__(id="logs")
        self._lines: deque[BoardLine] = deque(maxlen=KEPT)
        self._rows: list[_Row] = []
        self._matching = 0
        self._wide = 0
        self._follows = True
        self.service: str | None = None
        self.wanted = ""

    def add(self, lines: Sequence[BoardLine]) -> None:
        """To the end."""
        if not lines:
            return
        clean = [
            BoardLine(in_one_line(line.service), line.kind, f"{SIGNS.get(line.kind, '')}{cleaned(line.text)}")
            for line in lines
        ]
        self._lines.extend(clean)
        wide = min(WIDE, max(cell_len(line.service) for line in clean))
        if wide > self._wide or len(self._rows) > 2 * KEPT:
            self._wide = max(wide, self._wide)
            self.lay_out()
            return
        self._append(clean)
        self._laid_out()

    def only(self, *, service: str | None, wanted: str) -> None:
        if (service, wanted) != (self.service, self.wanted):
            self.service, self.wanted = service, wanted
            self.lay_out(to_end=True)

    def lay_out(self, *, to_end: bool = False) -> None:
        self._rows, self._matching = [], 0
        self._append(self._lines)
        self._laid_out(to_end=to_end)

    def on_resize(self) -> None:
        self.lay_out()

    def _append(self, lines: Iterable[BoardLine]) -> None:
        room = max(10, self.scrollable_content_region.width - self._wide - 2)
        for line in lines:
            if self._is_wanted(line):
                self._matching += 1
                pieces = chop_cells(line.text, room) or [""]
                self._rows.append(_Row(line.service, line.kind, pieces[0]))
                self._rows += [_Row("", line.kind, piece) for piece in pieces[1:]]

    def _is_wanted(self, line: BoardLine) -> bool:
        mine = self.service is None or line.service == self.service
        return mine and self.wanted.lower() in line.text.lower()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = self.is_vertical_scroll_end

    def _laid_out(self, *, to_end: bool = False) -> None:
        follows = self._follows or to_end
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        if follows:
            self._follows = True
            self.scroll_end(animate=False, immediate=True)
        self.border_title = self._title()
        self.refresh()

    def _title(self) -> str:
        of = f" of {self.service}" if self.service is not None else ""
        found = f" with “{self.wanted}”: {self._matching} of {len(self._lines)}" if self.wanted else ""
        # A border's title is markup to Textual.
        return f"logs{of}{found}".replace("[", r"\[")

    @property
    def shown(self) -> list[str]:
        """For tests: the rows as text."""
        return [f"{row.name}|{row.text}" for row in self._rows]

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[number]
        segments = [*self._named(row), *self._text(row)]
        return Strip(segments).adjust_cell_length(width, self.rich_style).crop(0, width)

    def _named(self, row: _Row) -> list[Segment]:
        name = row.name if cell_len(row.name) <= self._wide else f"{row.name[: self._wide - 1]}…"
        colour = zlib.crc32(row.name.encode(errors="replace")) % NAMES
        padding = " " * (self._wide - cell_len(name) + 1)
        return [Segment(f"{name}{padding}", self.get_component_rich_style(f"logs--name-{colour}"))]

    def _text(self, row: _Row) -> list[Segment]:
        base: Style = self.rich_style
        if row.kind in ("good", "bad"):
            base = self.get_component_rich_style(f"logs--{row.kind}")
        if not self.wanted:
            return [Segment(row.text, base)]
        found = self.get_component_rich_style("logs--found")
        parts = re.split(f"({re.escape(self.wanted)})", row.text, flags=re.IGNORECASE)
        return [Segment(part, found if number % 2 else base) for number, part in enumerate(parts) if part]


def cleaned(text: str) -> str:
    """A JSON log as `--pretty` shows it, without the colours of the program, and with other control characters escaped."""
    whole = text.encode(errors="surrogateescape").decode(errors="replace").rstrip("\r\n")
    said = readable(whole, PLAIN)
    if said is not None:
        whole = "".join(part for part in said if isinstance(part, str)).replace("\n", " ")
    return in_one_line(_COLOURED.sub("", whole).expandtabs(4))[:LONGEST]
