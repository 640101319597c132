"""The outcome of a command in words, made from the same result that JSON shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from devctl.domain.command.events import Outcome
from devctl.errors import Problem

Rows = Sequence[Mapping[str, Any]]
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
MEGABYTE = 1_000_000


def text_of(command: str, outcome: Outcome) -> str:
    """The workflow's own text, if it has one."""
    key, tell = TELLERS.get(command, ("", _bases))
    if outcome.text or key not in outcome.result:
        return outcome.text
    return "\n".join(tell(cast("Rows", outcome.result[key]), outcome.problem))


def _doctor(checks: Rows, error: Problem | None) -> Iterator[str]:
    """One line for a check that is ok; with reason and fix for one that is not."""
    for check in checks:
        first = f"{MARKS[check['status']]} {check['what']}"
        if check["fixed"]:
            yield f"{first} (fixed{f': {did}' if (did := check['did']) else ''})"
            continue
        yield first
        if check["status"] != "ok":
            yield f"    checked {check['looked_at']}: {check['why']}"
            yield f"    → {check['hint']}"


def _config(problems: Rows, error: Problem | None) -> Iterator[str]:
    """What `config check` found in addition to the error that it ends with."""
    for problem in problems:
        if error is None or problem != error.as_json():
            yield f"{problem['place'] or 'devctl.yaml'}: {problem['message']}\n    → {problem['hint']}"
    if not problems:
        yield "no problems"


def _bases(bases: Rows, error: Problem | None) -> Iterator[str]:
    wide = max((len(base["ref"]) for base in bases), default=0)
    for base in bases:
        size = f"  {base['size_bytes'] / MEGABYTE:.1f} MB" if base["present"] else ""
        yield f"{base['ref']:<{wide}}  {base['source'] if base['present'] else 'missing':<9}{size}"


TELLERS: Mapping[str, tuple[str, Callable[[Rows, Problem | None], Iterator[str]]]] = {
    "doctor": ("checks", _doctor),
    "config": ("problems", _config),
    "bases": ("bases", _bases),
}
