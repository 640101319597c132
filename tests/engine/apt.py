"""What the machine of the tests lacks, by apt: by one process at a time, which is all that apt allows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from tests.engine.alone import PACKAGES, alone

APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3")
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


def install(*packages: str, missing: Callable[[], bool]) -> None:
    """As root, where something is missing."""
    with alone(PACKAGES):
        if missing() and os.geteuid() == 0 and shutil.which("apt-get"):
            for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
                argv = [*APT, *words]
                done = subprocess.run(argv, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
                assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
