"""Bug reports: what a maintainer needs, without secrets."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Sequence

from devctl import __version__
from devctl.domain.command.events import Event
from devctl.domain.project.control_characters import visible
from devctl.domain.project.redact import redact


def write_report(error: BaseException, words: Sequence[str], *, plan: str, events: Sequence[Event]) -> str:
    """Write it to the user's state folder; return its path, or where else to find it."""
    from devctl.cli import wiring

    text = report_text(
        error, words, platform=wiring.platform_text(), tools=wiring.tools_text(), plan=plan, events=events
    )
    try:
        return str(wiring.save_report(text))
    except OSError as failed:
        return f"(which could not be written: {failed})"


def report_text(
    error: BaseException,
    words: Sequence[str],
    *,
    platform: str,
    tools: Sequence[str],
    plan: str,
    events: Sequence[Event],
) -> str:
    trace = "".join(traceback.format_exception(error))
    parts = [
        "# devctl: bug report",
        "",
        f"- devctl {__version__}, {platform}",
        *(f"- {tool}" for tool in tools),
        f"- call: {shlex.join(['devctl', *words])}",
        "",
        "```",
        trace.rstrip(),
        "```",
        "",
        "## The plan",
        "",
        "```",
        plan or "none yet",
        "```",
        "",
        "## The last events",
        "",
        "```",
        *[repr(event) for event in events],
        "```",
        "",
    ]
    return visible(redact("\n".join(parts)))  # it is read in a terminal
