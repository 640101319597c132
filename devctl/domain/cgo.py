"""Whether code needs a C compiler."""

from __future__ import annotations

import re

from devctl.domain.gofacts import Located
from devctl.domain.mains import Main

# Modules that do nothing without cgo, though some of them build without it (go-sqlite3's stub fails when it runs).
_CGO_MODULES = re.compile(
    r"^github\.com/(?:mattn/go-sqlite3|confluentinc/confluent-kafka-go|libgit2/git2go|h2non/bimg|gen2brain/go-fitz"
    r"|godror/godror|sqlcipher|mutecomm/go-sqlcipher|hybridgroup/gocv|davidbyttow/govips|go-gl)"
)


def needs_cgo(main: Main) -> Located | None:
    """What of the packages really built needs a C compiler, and where that is seen; None where nothing does."""
    for package in main.closure:
        if package.uses_cgo:
            return Located('import "C"', package.dir)
        for path in package.imports:
            if _CGO_MODULES.search(path):
                return Located(path, package.dir)
    return None
