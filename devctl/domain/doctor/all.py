"""The checks of `doctor`: one table, facts in, findings out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from devctl.domain.doctor import engine, network, project, room
from devctl.domain.doctor.check import Check, Fix, Fixable
from devctl.domain.doctor.facts import MachineFacts
from devctl.errors import Finding

CHECKS: tuple[Check, ...] = tuple(
    entry
    for topic in (engine, room, network, project)
    for entry in vars(topic).values()
    if isinstance(entry, Check)
)
"""In the order of their files: the order of the lines, and of the fixes."""


class CheckResult(Struct, frozen=True):
    """A line of `checks[]`. `did`: what the fix that made it ok reports, None if there was none."""

    check: Check
    finding: Finding
    did: str | None = None

    @property
    def fix(self) -> Fix | None:
        return self.finding.fix if isinstance(self.finding, Fixable) else None

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.check.id,
            "status": self.finding.severity,
            "what": self.finding.message,
            "hint": self.finding.hint,
            "looked_at": self.check.looks_at,
            "why": self.check.why,
            "fixable": self.fix is not None,
            "fixed": self.did is not None,
            "did": self.did or "",
        }


def run_checks(facts: MachineFacts) -> tuple[CheckResult, ...]:
    """Every check that applies, in the order of the table."""
    judged = ((check, check.judge(facts)) for check in CHECKS)
    return tuple(CheckResult(check, found.of(check.id)) for check, found in judged if found is not None)


def fixes_for(results: Sequence[CheckResult]) -> tuple[Fix, ...]:
    """The fixes that the findings offer, in the order in which they must be applied."""
    return tuple(dict.fromkeys(result.fix for result in results if result.fix is not None))
