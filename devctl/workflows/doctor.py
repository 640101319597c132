"""`doctor`: gather facts, judge them by the table of checks, and with `--fix` put right what can be, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from devctl.domain.bases import Base, BaseState, defaults, mirror_refs
from devctl.domain.checks import CheckResult, Fix, MachineFacts, fixes_for, run_checks
from devctl.domain.events import Note
from devctl.domain.ports_machine import MachineBox
from devctl.errors import MachineError
from devctl.workflows.bases import ensure, list_bases
from devctl.workflows.steps import Steps

ROUNDS = 3
"""A fix can bring the next failure to light (an engine shows that bases are missing); three kinds of fix, three rounds."""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The lines of `checks[]`; `problem` is the error to end with, None where nothing fails."""

    checks: tuple[CheckResult, ...]
    problem: MachineError | None = None

    def as_json(self) -> dict[str, object]:
        return {"checks": [check.as_json() for check in self.checks]}


def run_doctor(
    box: MachineBox,
    *,
    fix: bool = False,
    yes: bool = False,
    bases: Sequence[Base] | None = None,
    mirror: str | None = None,
) -> DoctorReport:
    """Every check; `bases` are the project's, or the defaults outside one. `fix` is consent to mend, `yes` asks nothing."""
    wanted = defaults() if bases is None else tuple(bases)
    results = run_checks(gather(box, wanted, mirror=mirror))
    failures: list[MachineError] = []
    ever: set[str] = set()
    for _ in range(ROUNDS if fix else 0):
        fixes = fixes_for(results)
        if not fixes or failures or not _consent(box, fixes[0], yes=yes):
            break
        ever |= {result.id for result in results if result.status == "fail"}
        failures += _apply(box, fixes[0], wanted, mirror)
        results = run_checks(gather(box, wanted, mirror=mirror))
    mended = tuple(replace(r, fixed=r.id in ever and r.status != "fail") for r in results)
    return DoctorReport(mended, _problem(mended, failures))


def gather(box: MachineBox, bases: Sequence[Base], *, mirror: str | None) -> MachineFacts:
    """Facts of the machine and of its bases, asked at the same time."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        machine = pool.submit(box.machine.facts)
        states = [pool.submit(list_bases, box, [base], mirror=mirror) for base in bases]
        facts = machine.result()
        found = tuple(state for future in states for state in future.result())
        missing = [state for state in found if not state.present] if facts.engine is not None else []
        answers = [(state, pool.submit(_available, box, state, mirror)) for state in missing]
        pullable = frozenset(state.ref for state, answer in answers if answer.result())
    return replace(facts, bases=found, pullable=pullable)


def _available(box: MachineBox, state: BaseState, mirror: str | None) -> bool:
    return any(box.machine.available(place) for place in (*mirror_refs(state.ref, mirror or ""), state.ref))


def _consent(box: MachineBox, fix: Fix, *, yes: bool) -> bool:
    # `--fix` is the consent; only installing packages system-wide is asked for once more, where there is someone to ask.
    if fix != "engine" or yes or not box.host.interactive():
        return True
    return box.host.confirm("Install Docker (apt-get install docker.io) where it is missing, and start it?")


def _apply(box: MachineBox, fix: Fix, bases: Sequence[Base], mirror: str | None) -> list[MachineError]:
    mend: dict[Fix, Callable[[], str]] = {
        "engine": box.installer.provide_engine,
        "compose": box.installer.provide_compose,
        "bases": lambda: _provide_bases(box, bases, mirror),
    }
    try:
        with Steps(box).step(f"fix-{fix}", "a check failed"):
            box.reporter.emit(Note(mend[fix]()))
    except MachineError as error:
        return [error]
    return []


def _provide_bases(box: MachineBox, bases: Sequence[Base], mirror: str | None) -> str:
    ensure(box, [base.ref for base in bases], mirror=mirror, allow_assemble=True)
    return f"{len(bases)} base images are here"


def _problem(results: Sequence[CheckResult], failures: Sequence[MachineError]) -> MachineError | None:
    failing = [result for result in results if result.status == "fail"]
    if not failing:
        return None
    first = failures[0] if failures else None
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    return MachineError(
        str(first) if first else f"{failing[0].what}{more}",
        code=first.code if first else "machine-not-ready",
        hint=first.problem.hint if first else failing[0].hint,
        detail=first.detail if first else "",
        result={"checks": [result.as_json() for result in results]},
    )
