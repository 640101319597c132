"""URLs and places as links that a terminal opens: OSC 8, https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from devctl.domain.regex import regex

_OPENED = regex(
    r"https?://[\w.~:/?#@!$&*+;=%,\[\]-]*[\w/=&-]"
    r"|(?<![\w.~/@+-])(?P<file>(?:[\w@+-][\w.@+-]*/)*[\w.@+-]*\.[a-zA-Z]\w*):(?P<line>\d{1,7})(?::(?P<column>\d{1,5}))?",
    re.ASCII,
)
"""Characters that a URL may have unencoded, and no more: the content of a text never controls the terminal."""
LONGEST = 4_000
"""Characters of a line that is searched: in a longer one nobody looks for a link, and time grows faster than its length."""
Address = Callable[[str, int, int], str | None]


class Links(Struct, frozen=True):
    """`address`: the URL of a file with its line and column (0 if none is given); None if there is no such file."""

    address: Address

    def linked(self, text: str) -> str:
        """The text with a link around each URL and place; the visible text stays the same."""
        return "".join(
            _OPENED.sub(self._link, line) if len(line) <= LONGEST else line for line in text.splitlines(True)
        )

    def _link(self, found: re.Match[str]) -> str:
        if found["file"] is None:
            target: str | None = found[0]
        else:
            target = self.address(found["file"], int(found["line"]), int(found["column"] or 0))
        return found[0] if target is None else f"\x1b]8;;{target}\x1b\\{found[0]}\x1b]8;;\x1b\\"
