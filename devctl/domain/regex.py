"""Patterns that are compiled on first use."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Like `re.compile`. A command loads some 270 patterns, uses a few, and is over in half a second, 50 ms of which they
    would take."""
    return cast("re.Pattern[AnyStr]", _Regex(text, flags))


class _Regex:
    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        """Once for each method: from then on it is an attribute of this object."""
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return f"regex({self._text!r})"
