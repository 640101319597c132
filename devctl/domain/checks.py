"""The checks of `doctor`: one table, facts in, verdicts out. A new check is one more entry in the table of its topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devctl.domain.check_facts import MachineFacts
from devctl.domain.checks_engine import ENGINE_CHECKS
from devctl.domain.checks_host import HOST_CHECKS
from devctl.domain.checks_network import NETWORK_CHECKS
from devctl.domain.checks_project import PROJECT_CHECKS
from devctl.domain.verdicts import FIX_ORDER, Check, Fix, Status, Verdict

CHECKS: tuple[Check, ...] = (*ENGINE_CHECKS, *HOST_CHECKS, *NETWORK_CHECKS, *PROJECT_CHECKS)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A line of `checks[]`; `fixed`: it was not ok before `--fix` and is now, by what `did` says."""

    id: str
    status: Status
    what: str
    hint: str
    looked_at: str = ""
    why: str = ""
    mend: Fix | None = None
    fixed: bool = False
    did: str = ""

    @property
    def fixable(self) -> bool:
        return self.mend is not None

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "status": self.status,
            "what": self.what,
            "hint": self.hint,
            "looked_at": self.looked_at,
            "why": self.why,
            "fixable": self.fixable,
            "fixed": self.fixed,
            "did": self.did,
        }


def run_checks(facts: MachineFacts) -> tuple[CheckResult, ...]:
    """Every check that applies, in the order of the table."""
    judged = ((check, check.judge(facts)) for check in CHECKS)
    return tuple(_result(check, verdict) for check, verdict in judged if verdict is not None)


def fixes_for(results: Sequence[CheckResult]) -> tuple[Fix, ...]:
    """The fixes that the checks ask for, in the order they have to be done."""
    wanted = {result.mend for result in results if result.status != "ok"}
    return tuple(fix for fix in FIX_ORDER if fix in wanted)


def _result(check: Check, verdict: Verdict) -> CheckResult:
    mend = None if verdict.status == "ok" else verdict.mend
    return CheckResult(
        check.id, verdict.status, verdict.what, verdict.hint, check.looks_at, check.why, mend=mend
    )
