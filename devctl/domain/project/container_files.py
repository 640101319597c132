"""The files that the scripts of a dev stage keep in the container."""

from __future__ import annotations

BUILD_STATE = "/tmp/air/state"
"""What devctl-build leaves about the last build: `ok TIME`, or `failed TIME` and the compiler's messages."""
EXIT_STATE = "/tmp/air/exit"
"""The code that the program exited with, if it is not running."""
PROGRAM = "/tmp/air/main"
"""What devctl's dev stage builds, and runs."""
