"""The engine's socket on this machine."""

from __future__ import annotations

import os
from pathlib import Path

SCHEME = "unix://"


def is_denied(endpoint: str) -> bool:
    """Whether a socket is there that this user may not speak through: connecting takes the right to write to it (unix(7))."""
    if not endpoint.startswith(SCHEME):
        return False
    path = endpoint.removeprefix(SCHEME)
    try:
        Path(path).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.W_OK)
