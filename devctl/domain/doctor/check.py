"""A check of `doctor`: an entry that says what it looks at and why, judges the facts, and offers its fix."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from devctl.domain.doctor.facts import MachineFacts
from devctl.domain.doctor.fixer import Fixer
from devctl.errors import Finding, Severity

Judge = Callable[[MachineFacts], Finding | None]


class Check(Struct, frozen=True):
    """`judge` returns None if the check does not apply (no engine to query, another operating system)."""

    id: str
    looks_at: str
    why: str
    judge: Judge


def check(name: str, looks_at: str, *, why: str) -> Callable[[Judge], Check]:
    """Turns a judgement into a check. Defining it adds it to the table."""
    return lambda judge: Check(name, looks_at, why, judge)


class Fix(Struct, frozen=True):
    """What `doctor --fix` does if a check offers it.

    `do` returns one sentence on what was done, "" if nothing was left to do; without it, the fix of the same name in
    `workflows/doctor` runs. `asks`: the question before something is changed that is not devctl's; `--yes` agrees to it, and
    without a terminal it is only done if it is `unasked`. `in_project`: it changes the project, and waits for its lock.
    `alone`: afterwards everything is checked again, since it may be the cause of other findings. `command`: another command
    that does the same.
    """

    name: str
    do: Callable[[Fixer], str] | None = None
    asks: str = ""
    unasked: bool = False
    in_project: bool = False
    alone: bool = False
    command: str = ""

    def offer(self, severity: Severity, message: str, by_hand: str = "") -> Finding:
        """The finding that this fixes. `by_hand`: what a person can do instead."""
        agreed = " --yes" if self.asks and not self.unasked else ""
        command = self.command or f"devctl doctor --fix{agreed}"
        return Fixable("", severity, message, f"{command}, or: {by_hand}" if by_hand else command, fix=self)


class Fixable(Finding, frozen=True, kw_only=True):
    """A finding that `doctor --fix` can do something about."""

    fix: Fix
