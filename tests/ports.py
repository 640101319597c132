"""Host ports for what tests start."""

from __future__ import annotations

import itertools
import os
import random
import socket
from pathlib import Path

LOWEST, HIGHEST = 15_000, 32_768
STEP = 8
"""Between two of them: devctl takes one of the next where a port that it may choose is taken."""


def _mine() -> list[int]:
    """Below those that the kernel gives to outgoing connections, each worker of a run has a block of its own. Where it begins
    differs from run to run, for others that use the machine at the same time."""
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    highest = outgoing if outgoing >= 2 * LOWEST else HIGHEST
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (highest - LOWEST) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    block = list(range(LOWEST + worker * size, LOWEST + (worker + 1) * size - STEP, STEP))
    first = random.SystemRandom().randrange(len(block))
    return block[first:] + block[:first]


_NEXT = itertools.cycle(_mine())


def free_port() -> int:
    """Nobody listens on it, and nobody else is given it: neither another test, nor a client of anything."""
    return next(port for port in _NEXT if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
