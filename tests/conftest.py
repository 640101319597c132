"""What every test runs under."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("fast", max_examples=25)  # `make fast`; `make test` tries the usual number, 100


def pytest_configure() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C need the default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
