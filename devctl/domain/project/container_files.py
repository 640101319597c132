"""The files that the scripts of a dev stage keep in the container."""

from __future__ import annotations

STATE = "/tmp/air"
"""Where they are."""
BUILD_STATE = f"{STATE}/state"
"""What devctl-build leaves about the last build: `ok TIME`, or `failed TIME` and the compiler's messages."""
EXIT_STATE = f"{STATE}/exit"
"""The code that the program exited with, if it is not running."""
PROGRAM = f"{STATE}/main"
"""What devctl's dev stage builds, and runs."""
