"""`--version`."""

from __future__ import annotations

from devctl import __version__
from devctl.domain.events import Outcome


def version() -> Outcome:
    return Outcome(result={"version": __version__}, text=f"devctl {__version__}")
