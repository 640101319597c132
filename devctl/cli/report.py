"""The report of a bug: what a maintainer needs, without secrets."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

from devctl import __version__
from devctl.domain.redact import redact


def write_report(error: BaseException, words: Sequence[str]) -> Path:
    """Write it to the user's state folder and return its path."""
    from devctl.cli import wiring

    trace = "".join(traceback.format_exception(error))
    text = "\n".join(
        [
            "# devctl: report of a bug",
            "",
            f"- devctl {__version__}, {wiring.platform_text()}",
            f"- call: devctl {' '.join(words)}",
            "",
            "```",
            trace.rstrip(),
            "```",
            "",
        ]
    )
    return wiring.save_report(redact(text))
