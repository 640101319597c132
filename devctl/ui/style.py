"""Colour, decided once; names keep theirs."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

_NAMES = (36, 33, 35, 34, 32, 96, 93, 95)


@dataclass(frozen=True, slots=True)
class Style:
    color: bool

    def good(self, text: str) -> str:
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        return self._paint("31", text)

    def warn(self, text: str) -> str:
        return self._paint("33", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def name(self, service: str) -> str:
        return self._paint(str(_NAMES[zlib.crc32(service.encode()) % len(_NAMES)]), service)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text
