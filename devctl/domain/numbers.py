"""Numbers from files, containers, tools and user input, where anything may be written instead."""

from __future__ import annotations

import re

from devctl.domain.regex import regex

Version = tuple[int, ...]

LONGEST = 131_072
"""Characters of a text with its variables expanded: Linux passes no longer word to a program."""
_DIGITS = frozenset("0123456789")
_MOST = 18
"""Digits. `int` refuses more than 4300, an operating system far fewer."""
_SIZE = regex(r"(?P<number>\d{1,18}(?:\.\d{1,18})?)\s*(?:(?P<unit>[kKMGT])(?P<binary>i?))?B?")


def whole(text: str) -> int | None:
    """The number that a text of ASCII digits stands for; None for any other text, and for one of more than 18 digits.

    `"²".isdigit()` is true and `int("²")` raises; `"٣".isdecimal()` is true, and is 3 only for Python.
    """
    return int(text) if 0 < len(text) <= _MOST and set(text) <= _DIGITS else None


def version(text: str) -> Version:
    """`v2.40.3-desktop.1` → (2, 40, 3); empty if no number is named."""
    found = re.search(r"\d{1,9}(?:\.\d{1,9})*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def parse_size(text: str) -> int:
    """Bytes of `12MB` (10^6), `10MiB` (2^20), `12M` (as MB) or `1000`; raises ValueError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is not a size; write it as 12MB or 10MiB")
    power = "_KMGT".index((found["unit"] or "_").upper())
    factor: int = (1024 if found["binary"] else 1000) ** power
    return round(float(found["number"]) * factor)


def int64(digits: str) -> int:
    """For `json.loads(parse_int=…)`: none of devctl's files contains a larger number, and one of 400 digits breaks the
    arithmetic that follows.

    Raises ValueError.
    """
    if abs(number := int(digits)) >= 2**63:
        raise ValueError(f"a number of {number.bit_length()} bits")
    return number
