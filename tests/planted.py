"""A project that tries to be run: files under every name that one of devctl's programs could look for in its working
directory."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

MODULES = frozenset(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
STARTUP = {"sitecustomize", "usercustomize"}
PROGRAMS = (
    "docker",
    "docker-compose",
    "docker-buildx",
    "git",
    "go",
    "python",
    "python3",
    "sh",
    "apt-get",
    "dpkg",
    "env",
)
RAN = "RAN"


def plant(root: Path, *, modules: bool = True) -> Path:
    """Returns the file in which each of them writes its name, should it run."""
    ran = root.parent / f"{root.name}.{RAN}"
    for name in sorted(MODULES | STARTUP) if modules else ():
        if name.isidentifier() and name not in ("__main__", "devctl"):
            (root / f"{name}.py").write_text(_MODULE.format(ran=str(ran)))
    package = root / "devctl"
    if modules and not package.exists():
        package.mkdir()
        for name in ("__init__", "__main__"):
            (package / f"{name}.py").write_text(_MODULE.format(ran=str(ran)))
    for name in PROGRAMS:
        program = root / name
        if not program.exists():
            program.write_text(f"#!/bin/sh\necho program {name} >> '{ran}'\nexit 1\n")
            program.chmod(0o755)
    return ran


_MODULE = "with open({ran!r}, 'a') as ran: print('module', __name__, __file__, file=ran)\nraise ImportError(__name__)\n"


def poisoned_path() -> str:
    """The caller's PATH after three ways to say "here"."""
    return os.pathsep.join(["", ".", "./", os.environ["PATH"], ""])


def what_ran(ran: Path) -> str:
    return ran.read_text() if ran.exists() else ""
