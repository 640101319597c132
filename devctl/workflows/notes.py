"""Small notes in `.devctl/` that later commands believe: what took the place of what."""

from __future__ import annotations

import json
from pathlib import Path

from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox


def read_note(box: Toolbox, root: Path, name: str) -> dict[str, str]:
    """Nothing where there is no such note, or it is broken."""
    try:
        noted = json.loads(box.files.read_text(root / OVERLAY / name) or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in noted.items()} if isinstance(noted, dict) else {}


def write_note(box: Toolbox, root: Path, name: str, noted: dict[str, str], *, owner: tuple[int, int]) -> None:
    text = json.dumps(noted, indent=1, sort_keys=True) + "\n"
    box.files.write_atomic(box.files.state_dir(root) / name, text, owner=owner)
