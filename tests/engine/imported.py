"""What the server of tests/engine/forked.py has imported before it forks: all of devctl, with the libraries that it takes."""

from __future__ import annotations

import gc
import importlib
import pkgutil

import devctl

for _module in pkgutil.walk_packages(devctl.__path__, "devctl."):
    importlib.import_module(_module.name)
gc.collect()
gc.freeze()  # the garbage collector of a forked process need not walk through it
