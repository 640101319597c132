"""What a check of `doctor` is: an entry that says what it looks at and why, judges the facts, and offers its fix."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from devctl.domain.doctor.facts import MachineFacts
from devctl.domain.doctor.fixer import Fixer
from devctl.errors import Finding, Severity

Judge = Callable[[MachineFacts], Finding | None]


class Check(Struct, frozen=True):
    """`judge` gives None where the check says nothing here (no engine to ask, another operating system)."""

    id: str
    looks_at: str
    why: str
    judge: Judge


def check(name: str, looks_at: str, *, why: str) -> Callable[[Judge], Check]:
    """Makes a check of a judgement. Being defined, it is in the table."""
    return lambda judge: Check(name, looks_at, why, judge)


class Fix(Struct, frozen=True):
    """What `doctor --fix` does where a check offers it.

    `do` returns one sentence on what was done, "" where nothing was left to do; without it, what `workflows/doctor` has under
    the same name is done.
    `asks`: the question before something is changed that is not devctl's; `--yes` agrees to it, and without a terminal it
    is only done where it is `unasked`. `in_project`: it changes the project, and waits for its lock. `alone`: after it
    everything is looked at anew, since what else is wrong may come of this. `command`: another one that does the same.
    """

    name: str
    do: Callable[[Fixer], str] | None = None
    asks: str = ""
    unasked: bool = False
    in_project: bool = False
    alone: bool = False
    command: str = ""

    def offer(self, severity: Severity, message: str, by_hand: str = "") -> Finding:
        """The finding that this fixes. `by_hand`: what a person may do instead."""
        agreed = " --yes" if self.asks and not self.unasked else ""
        command = self.command or f"devctl doctor --fix{agreed}"
        return Fixable("", severity, message, f"{command}, or: {by_hand}" if by_hand else command, fix=self)


class Fixable(Finding, frozen=True, kw_only=True):
    """A finding that `doctor --fix` can do something about."""

    fix: Fix
