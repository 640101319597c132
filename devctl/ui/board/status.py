"""The first line: the project, its mode, which code is served, the watcher."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from devctl.domain.board.view import BoardView
from devctl.domain.project.control_characters import in_one_line

SERVING = {"current": "$text-success", "old": "$text-warning", "none": "$text-error"}


class ProjectLine(Static):
    def __init__(self) -> None:
        super().__init__(id="status")

    def show(self, view: BoardView) -> None:
        state = view.state
        if view.trouble:
            self.update(
                Content.assemble(
                    (f"{in_one_line(view.project)} ", "bold"),
                    (f"✗ {in_one_line(view.trouble)}", "$text-error bold"),
                )
            )
            return
        if state.mode == "stopped":
            self.update(
                Content.assemble((f"{in_one_line(view.project)} ", "bold"), "stopped: devctl up -d starts it")
            )
            return
        reason = f": {in_one_line(state.serving.reason)}" if state.serving.reason else ""
        watcher = "running" if state.watcher.state == "running" else "not running"
        self.update(
            Content.assemble(
                (f"{in_one_line(view.project)} ", "bold"),
                f" {state.mode}  serving ",
                (f"{state.serving.state}{reason}", SERVING[state.serving.state]),
                (f"  watcher {watcher}", "$foreground 60%" if watcher == "running" else "$text-warning"),
            )
        )
