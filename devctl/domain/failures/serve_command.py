"""The subcommand that serves, if a program prints its usage instead of starting."""

from __future__ import annotations

import re

from devctl.domain.regex import regex

# Names that programs use, the plainest first.
_SERVES = ("serve", "server", "start", "run", "web", "daemon", "api", "http", "up")
# A line of a help text (cobra, urfave/cli, kong), or the complaint of kong and go-flags.
_LISTED = regex(r"^\s+([a-z][\w-]*)(?:,| |$)", re.MULTILINE)
_ASKED = regex(r"(?:expected|specify) one[^\n]* of:?([^\n]*)")
_HELP = regex(r"usage|commands", re.IGNORECASE)
_WORD = regex(r"[a-z][\w-]*")


def serving_word(log: str) -> str | None:
    """`serve` of a help text that lists it; None if the program names nothing of the kind."""
    asked = _ASKED.search(log)
    listed = _LISTED.findall(log) if _HELP.search(log) else []
    named = {*listed, *_WORD.findall(asked[1] if asked else "")}
    return next((word for word in _SERVES if word in named), None)
