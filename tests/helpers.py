"""Small things that tests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def build_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write `files` (path to text) below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
