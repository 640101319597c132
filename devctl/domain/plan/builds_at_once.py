"""How many images are built at a time."""

from __future__ import annotations

EACH = 2_000_000_000
"""Bytes of memory for each build: with less, the compiler of a larger service may be killed (`memory` in
domain/doctor/room.py)."""


def builds_at_once(cores: int, memory: int) -> int:
    """`memory`: bytes of memory of the engine's machine."""
    return max(1, min(cores, round(memory / EACH)))
