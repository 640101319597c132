"""Fingerprints of plain data."""

from __future__ import annotations

import hashlib
import json


def digest(*parts: object) -> str:
    """16 hex digits of SHA-256 over the parts' canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
