"""Where a Go program panicked: the first line of its own code in the trace."""

from __future__ import annotations

import posixpath
import re

from devctl.domain.paths import is_below
from devctl.domain.project.model import Service
from devctl.domain.regex import regex

# A function with its package path, and below it the file: where it was compiled, or the module path (-trimpath).
_FRAME = regex(
    r"^(?P<package>(?:[^\s/(]+/)*[^\s./(]+)\.[^\n]*\n\t(?P<file>[^\n]+\.go):(?P<line>\d+)", re.MULTILINE
)
_SIGNS = ("panic: ", "fatal error: ")


def panic_line(log: str) -> str | None:
    """The first line that the runtime prints when it gives up."""
    return next((line for line in log.splitlines() if line.startswith(_SIGNS)), None)


def own_line(trace: str, service: Service) -> str | None:
    """`cmd/api/main.go:11`, relative to the project; None without a trace, or if no line in it is the project's.

    A function's package tells where its file is, wherever it was compiled; in dev the whole project is mounted, which
    identifies the other modules of a workspace.
    """
    for frame in _FRAME.finditer(trace):
        file = frame["file"]
        if "@" in file or "/vendor/" in file:  # a dependency's
            continue
        folder = _folder(frame["package"], service)
        if folder is not None:
            return f"{posixpath.normpath(posixpath.join(folder, posixpath.basename(file)))}:{frame['line']}"
        if file.startswith(f"{service.mounted_at}/"):
            return f"{file.removeprefix(f'{service.mounted_at}/')}:{frame['line']}"
    return None


def _folder(package: str, service: Service) -> str | None:
    if package == "main":
        return posixpath.join(service.source.dir, service.source.main)
    if service.source.module and is_below(package, service.source.module):
        return posixpath.join(service.source.dir, package[len(service.source.module) + 1 :])
    return None
