"""What every test runs under."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C need the default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
