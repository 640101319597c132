"""The last preview of production: whether it was ready, how large its image is, how long the switch took."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from devctl.domain.preview.last_preview import LastPreview, PreviewedImage
from devctl.domain.preview.text import MEGABYTE
from devctl.domain.project.control_characters import in_one_line
from devctl.ui.board.chart import clock


class PreviewPanel(Static):
    def __init__(self) -> None:
        super().__init__(id="preview")
        self.border_title = "prod-preview"

    def show(self, preview: LastPreview | None) -> None:
        if preview is None:
            self.border_subtitle = ""
            self.update(Content.styled("not yet: devctl prod-preview", "$foreground 60%"))
            return
        self.border_title = f"prod-preview {clock(preview.at)}"
        self.border_subtitle = _switch(preview)
        lines = [_verdict(preview), *(_size(image, preview) for image in preview.images)]
        lines += [
            Content.styled(
                f"{'✗' if check.severity == 'fail' else '!'} {in_one_line(check.message)}",
                "$text-error" if check.severity == "fail" else "$text-warning",
            )
            for check in preview.attention
        ]
        self.update(Content("\n").join(lines))


def _verdict(preview: LastPreview) -> Content:
    if preview.failed:
        return Content.styled(f"✗ {in_one_line(preview.failed)}", "$text-error")
    good = sum(check.severity == "ok" for check in preview.checks)
    other = len(preview.attention)
    rest = f", {other} warning{'s' if other > 1 else ''}" if other else ""
    return Content.assemble(("✓ ready", "$text-success"), f"  {good} ok{rest}")


def _size(image: PreviewedImage, preview: LastPreview) -> Content:
    name = f"{in_one_line(image.service)}  " if len(preview.images) > 1 else ""
    binary = f", binary {image.binary_bytes / MEGABYTE:.2f} MB" if image.binary_bytes else ""
    return Content.assemble(
        name, (f"{image.size_bytes / MEGABYTE:.2f} MB", "bold"), f"  {in_one_line(image.base)}{binary}"
    )


def _switch(preview: LastPreview) -> str:
    if preview.switch_ms is None or preview.failed:
        return ""
    gap = f", gap {preview.gap_ms / 1000:.2f} s" if preview.gap_ms is not None else ""
    return f"switch {preview.switch_ms / 1000:.2f} s{gap}"
