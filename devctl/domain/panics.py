"""Where a Go program panicked: the first line of its own in the trace."""

from __future__ import annotations

import re

# The whole project is mounted on /app; lines of the runtime and of modules lie elsewhere, vendored ones below vendor/.
_FRAME = re.compile(r"^\t/app/(?P<path>(?!vendor/|\S*/vendor/)\S+\.go):(?P<line>\d+)", re.MULTILINE)


def own_line(trace: str) -> str | None:
    """`cmd/api/main.go:11`, relative to the project; None without a trace, or where no line of it is the project's."""
    found = _FRAME.search(trace)
    return f"{found['path']}:{found['line']}" if found is not None else None
