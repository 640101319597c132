"""The reference implementation of dev containers: npm's `@devcontainers/cli`, with a node from apt where there is none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.engine.apt import install

PACKAGE = "@devcontainers/cli@0.89.0"


def installed(folder: Path) -> Path:
    """The command, installed below `folder`."""
    install("nodejs", "npm", missing=lambda: shutil.which("npm") is None)
    assert shutil.which("npm"), "no npm to install the devcontainer command with: sudo apt-get install npm"
    words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return folder / "node_modules" / ".bin" / "devcontainer"
