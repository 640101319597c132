"""What the machine of the tests lacks, by apt: by one process at a time, which is all that apt allows."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3")
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


@contextmanager
def alone() -> Iterator[None]:
    """While no other worker of the run changes this machine's packages and accounts."""
    with Path(__file__).open() as myself:
        fcntl.flock(myself, fcntl.LOCK_EX)
        yield


def install(*packages: str, missing: Callable[[], bool]) -> None:
    """As root, where something is missing."""
    with alone():
        if missing() and os.geteuid() == 0 and shutil.which("apt-get"):
            for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
                argv = [*APT, *words]
                done = subprocess.run(argv, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
                assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
