"""What was read of the layers of images, in the user's state home: an image never changes under its id, and reading a Go base takes
seconds."""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec import MsgspecError, json

from devctl.adapters.system.host import make_private, state_folder, write_private
from devctl.domain.image.facts import Layer

RULE = "1"
"""Another one for each change of what counts as the content of a layer: notes of an old rule are not read."""
KEPT = 100
"""Images; the oldest note makes room for the next."""


def known_layers(image_id: str) -> tuple[Layer, ...] | None:
    """None for an image that was not read, or whose note does not serve: it is then read again."""
    try:
        return json.decode(_note(image_id).read_bytes(), type=tuple[Layer, ...])
    except (OSError, RuntimeError, MsgspecError):
        return None


def note_layers(image_id: str, layers: tuple[Layer, ...]) -> None:
    # Without a home, or room in it, the next command reads the image again.
    with contextlib.suppress(OSError, RuntimeError):
        note = _note(image_id)
        make_private(note.parent)
        write_private(note, json.encode(layers).decode())
        for old in sorted(note.parent.iterdir(), key=lambda it: it.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)


def _note(image_id: str) -> Path:
    return state_folder() / "layers" / RULE / f"{image_id.rpartition(':')[2]}.json"
