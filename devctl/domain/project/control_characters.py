"""Characters that a terminal obeys instead of showing them: escaped wherever a text is not devctl's own."""

from __future__ import annotations

import re

from devctl.domain.regex import regex

# C0 except newline and tab, DEL, C1 (in which a terminal takes U+009B as the start of a sequence), and what changes the
# writing direction or breaks a line invisibly: a file called `cod.go<U+202E>` reads backwards (https://trojansource.codes).
_OBEYED = regex(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LAYOUT = regex(r"[\t\n]")


def visible(text: str) -> str:
    """`\\x1b[2J` for the six characters that clear a screen. Newline and tab stay: they lay out what has several lines."""
    return _OBEYED.sub(_escaped, text.replace("\r\n", "\n"))


def in_one_line(text: str) -> str:
    """The same for a name or a sentence, in which a newline would start its own line: `error: …` as if devctl had printed it."""
    return _LAYOUT.sub(_escaped, visible(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
