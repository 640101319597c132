"""Files below `.devctl/` that only tell something: what they lose costs words, and containers write into their folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devctl.domain.ports.host import Reporter
from devctl.errors import FilesError, MachineError


@contextmanager
def only_warned(reporter: Reporter) -> Iterator[None]:
    """A file that is planted there, or a full disk, is a warning and fails nothing."""
    try:
        yield
    except (FilesError, MachineError) as error:
        reporter.warn(error.problem)
