"""The chart of reloads, dependency rebuilds and switches."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from devctl.domain.board.history import Moment, figures
from devctl.ui.board.chart import LABEL, bars, clock, seconds

COLOURS = {"reload": "$text-primary", "deps": "$text-secondary", "switch": "$text-warning"}
BELOW = 3
"""Lines below the bars: marks, times, figures."""
BETWEEN = " · "


class Timeline(Static):
    """Draws as many of the newest moments as fit into its width."""

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self._moments: tuple[Moment, ...] = ()
        self.border_title = "reloads"
        self.border_subtitle = "✗ failed  + go.mod  ↔ preview"

    def show(self, moments: tuple[Moment, ...]) -> None:
        if moments != self._moments:
            self._moments = moments
            self.refresh()

    def render(self) -> Content:
        width, height = self.content_size
        if not self._moments:
            return Content("No reload yet: save a Go file, and it appears here.")
        drawn = bars(self._moments, width=width, height=max(1, height - BELOW))
        lines = []
        for number, row in enumerate(drawn.rows):
            label = seconds(drawn.most) if number == 0 else ""
            cells = [(cell.ljust(drawn.step), _colour(m)) for cell, m in zip(row, drawn.shown, strict=True)]
            lines.append(Content.assemble((f"{label:>{LABEL - 1}} ", "$foreground 60%"), *cells))
        marks = [
            (mark.ljust(drawn.step), _colour(m)) for mark, m in zip(drawn.marks, drawn.shown, strict=True)
        ]
        lines.append(Content.assemble(" " * LABEL, *marks))
        lines.append(
            Content.assemble((_times(drawn.shown, len(drawn.shown) * drawn.step), "$foreground 60%"))
        )
        lines.append(self._figures())
        return Content("\n").join(lines)

    def _figures(self) -> Content:
        found = figures(self._moments)
        parts = [(f"last {seconds(found.last)}", "bold")] if found.last is not None else []
        parts += [(f"{found.failed} failed", "$text-error")] if found.failed else []
        parts += [(f"median {seconds(found.usual)}", "")] if found.usual is not None else []
        parts += [(f"go.mod {seconds(found.deps)}", "$text-secondary")] if found.deps is not None else []
        while len(parts) > 1 and len(BETWEEN.join(text for text, _ in parts)) > self.content_size.width:
            parts.pop()
        return Content(BETWEEN).join([Content.assemble(part) for part in parts])


def _colour(moment: Moment) -> str:
    return COLOURS[moment.kind] if moment.ok else "$text-error"


def _times(shown: tuple[Moment, ...], wide: int) -> str:
    """The times of the first and the last moment, below them."""
    first, last = (clock(m.at) for m in (shown[0], shown[-1]))
    if wide < len(first) + len(last) + 1:
        return f"{'':{LABEL}}{last}"
    return f"{'':{LABEL}}{first}{last:>{wide - len(first)}}"
