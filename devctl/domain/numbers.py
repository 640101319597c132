"""Numbers out of files, containers and tools, which may hold anything in their place."""

from __future__ import annotations

import re

Version = tuple[int, ...]

_DIGITS = frozenset("0123456789")
_MOST = 18
"""Digits. `int` refuses more than 4300, an operating system far fewer."""


def whole(text: str) -> int | None:
    """The number that a text of ASCII digits stands for; None for any other text, and for one of more than 18 digits.

    `"²".isdigit()` is true and `int("²")` raises; `"٣".isdecimal()` is true, and is 3 to Python alone.
    """
    return int(text) if 0 < len(text) <= _MOST and set(text) <= _DIGITS else None


def version(text: str) -> Version:
    """`v2.40.3-desktop.1` → (2, 40, 3); empty where no number is named."""
    found = re.search(r"\d{1,9}(?:\.\d{1,9})*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
