"""Colour, decided once; a name always keeps its colour."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from msgspec import Struct

from devctl.domain.project.control_characters import visible

if TYPE_CHECKING:
    from devctl.ui.links import Links

_NAMES = (36, 33, 35, 34, 32, 96, 93, 95)


class Painted(Struct, frozen=True):
    """A text and its colour, kept apart until they are written, so that its content cannot be mistaken for devctl's own colour."""

    code: str
    text: str

    def __str__(self) -> str:
        raise TypeError("a painted text is handed to Out as it is, never put into a string")


Part = str | Painted
"""A piece of output; `Out.line` takes several."""


def rendered(parts: tuple[Part, ...], links: Links | None = None) -> str:
    """The one place where texts become what a terminal reads: control characters in them are escaped, then devctl's links and
    colour are added."""

    def shown(text: str) -> str:
        return visible(text) if links is None else links.linked(visible(text))

    return "".join(
        shown(part) if isinstance(part, str) else f"\x1b[{part.code}m{shown(part.text)}\x1b[0m"
        for part in parts
    )


class Style(Struct, frozen=True):
    color: bool

    def good(self, text: str) -> Part:
        return self._paint("32", text)

    def bad(self, text: str) -> Part:
        return self._paint("31", text)

    def warn(self, text: str) -> Part:
        return self._paint("33", text)

    def dim(self, text: str) -> Part:
        return self._paint("2", text)

    def name(self, service: str) -> Part:
        return self._paint(str(_NAMES[zlib.crc32(service.encode(errors="replace")) % len(_NAMES)]), service)

    def _paint(self, code: str, text: str) -> Part:
        return Painted(code, text) if self.color and text else text
