"""The last change of go.mod, and its outcome."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from devctl.domain.board.history import GoModChange
from devctl.domain.project.control_characters import in_one_line
from devctl.ui.board.chart import clock, seconds


class GoModPanel(Static):
    def __init__(self) -> None:
        super().__init__(id="go-mod")
        self.border_title = "go.mod"

    def show(self, change: GoModChange | None) -> None:
        if change is None:
            self.border_subtitle = ""
            self.update(Content.styled("no change so far", "$foreground 60%"))
            return
        self.border_title = f"go.mod {clock(change.at)}"
        done = change.outcome
        if done is None:
            self.border_subtitle = "building the deps layer"
        else:
            self.border_subtitle = f"served in {seconds(done.ms)}" if done.ok else "✗ not applied"
        failed = [Content.styled(in_one_line(done.text), "$text-error")] if done and not done.ok else []
        lines = [Content(in_one_line(line)) for line in change.lines] or [
            Content("no module changed: the deps layer was rebuilt")
        ]
        self.update(Content("\n").join([*failed, *self._fitting(lines, less=len(failed))]))

    def _fitting(self, lines: list[Content], *, less: int) -> list[Content]:
        room = max(1, self.content_size.height - less)
        if len(lines) <= room:
            return lines
        kept = lines[: max(0, room - 1)]
        return [*kept, Content.styled(f"and {len(lines) - len(kept)} more", "$foreground 60%")]
