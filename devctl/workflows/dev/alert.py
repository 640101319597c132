"""A bell or a notification for a person who is not looking at devctl: off unless devctl.yaml sets it (`watch: {alert: …}`)."""

from __future__ import annotations

import contextlib

from devctl.domain.command.events import Alert
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.control_characters import in_one_line
from devctl.errors import DevctlError

WITHIN = 5.0
"""Seconds for the program that shows a notification."""
_ON_MACOS = (
    "on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run",
)  # fmt: skip


def alert(box: Toolbox, how: str, title: str, text: str) -> None:
    """`how`: as in devctl.yaml. If notifications are not supported none is shown: that is never an error."""
    if how in ("bell", "both"):
        box.reporter.emit(Alert())
    if how in ("desktop", "both"):
        with contextlib.suppress(DevctlError):
            box.processes.run(
                _notification(in_one_line(title), in_one_line(text), linux=box.host.is_linux()),
                timeout=WITHIN,
            )


def _notification(title: str, text: str, *, linux: bool) -> list[str]:
    if linux:
        plain = text.replace("&", "&amp;").replace("<", "&lt;")  # its body is markup
        return ["notify-send", "--app-name=devctl", "--", title, plain]
    return ["osascript", *(word for line in _ON_MACOS for word in ("-e", line)), "--", title, text]
