"""Paths as text: of a project, an image or a module. They need not exist here."""

from __future__ import annotations

from pathlib import Path


def is_below(path: str, folder: str) -> bool:
    """Whether it is the folder or something in it. Both are normalized; every path is below `.`."""
    return folder in (".", path) or path.startswith(f"{folder.rstrip('/')}/")


def expanded(path: Path) -> Path:
    """With `~` as a shell reads it: that of a user who does not exist is a name like any other."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
