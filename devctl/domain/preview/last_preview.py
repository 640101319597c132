"""The outcome of the last `prod-preview` of a project: shown later, and nothing depends on it."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from devctl.domain.project.private_notes import PrivateNote
from devctl.errors import Finding


class PreviewedImage(Struct, frozen=True):
    service: str
    base: str
    size_bytes: int
    binary_bytes: int | None = None


class LastPreview(PrivateNote, frozen=True):
    """`at`: seconds since the epoch, 0 if there was no preview. `failed`: why production did not serve, "" if it did."""

    file: ClassVar[str] = "preview.json"
    at: float = 0.0
    images: tuple[PreviewedImage, ...] = ()
    checks: tuple[Finding, ...] = ()
    switch_ms: int | None = None
    gap_ms: int | None = None
    failed: str = ""

    @property
    def attention(self) -> tuple[Finding, ...]:
        """The checks that need attention, failed ones first, each once."""
        found = dict.fromkeys(c for c in self.checks if c.severity != "ok")
        return tuple(sorted(found, key=lambda c: c.severity != "fail"))
