"""What one worker of a run does while no other does the same: they share the engine and the machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = Path(__file__).with_name("apt.py")
"""To change this machine's packages and accounts."""
DEBIAN_GO = Path(__file__).with_name("test_cgo.py")
"""To remove, make or build with the images of Go with a C compiler."""


@contextmanager
def alone(what: Path) -> Iterator[None]:
    with what.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
