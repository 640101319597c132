"""What every test runs under."""

from __future__ import annotations

import signal

from hypothesis import settings

# No deadline: how long one example takes says more of the machine than of the code.
settings.register_profile("full", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=25)  # `make fast` asks for it
settings.load_profile("full")


def pytest_configure() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C need the default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
