"""The reference implementation of dev containers: npm's `@devcontainers/cli`, with a node from apt where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGE = "@devcontainers/cli@0.89.0"
APT = {"DEBIAN_FRONTEND": "noninteractive"}


def installed(folder: Path) -> Path:
    """The command, installed below `folder`."""
    if shutil.which("npm") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (("update",), ("install", "-y", "--no-install-recommends", "nodejs", "npm")):
            _done(["apt-get", "-q", *words])
    assert shutil.which("npm"), "no npm to install the devcontainer command with: sudo apt-get install npm"
    _done(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE])
    return folder / "node_modules" / ".bin" / "devcontainer"


def _done(words: list[str]) -> None:
    done = subprocess.run(words, env={**os.environ, **APT}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
