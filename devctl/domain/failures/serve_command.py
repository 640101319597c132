"""The sub-command that serves, where a program prints what it knows instead of starting."""

from __future__ import annotations

import re

# As programs call it, the plainest first.
_SERVES = ("serve", "server", "start", "run", "web", "daemon", "api", "http", "up")
# A line of a help text (cobra, urfave/cli, kong), or the complaint of kong and go-flags.
_LISTED = re.compile(r"^\s+([a-z][\w-]*)(?:,| |$)", re.MULTILINE)
_ASKED = re.compile(r"(?:expected|specify) one[^\n]* of:?([^\n]*)")
_HELP = re.compile(r"usage|commands", re.IGNORECASE)
_WORD = re.compile(r"[a-z][\w-]*")


def serving_word(log: str) -> str | None:
    """`serve` of a help text that lists it; None where the program names nothing of the kind."""
    asked = _ASKED.search(log)
    listed = _LISTED.findall(log) if _HELP.search(log) else []
    named = {*listed, *_WORD.findall(asked[1] if asked else "")}
    return next((word for word in _SERVES if word in named), None)
