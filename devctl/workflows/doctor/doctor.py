"""`doctor`: gather facts, judge them with the table of checks, and with `--fix` fix what can be fixed, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.bases.references import Base, BaseState, defaults, mirror_refs
from devctl.domain.command.events import Remark
from devctl.domain.doctor.all import CheckResult, fixes_for, run_checks
from devctl.domain.doctor.check import Fix
from devctl.domain.doctor.facts import InsideFacts, MachineFacts, TreeFacts
from devctl.domain.doctor.fixer import Installer
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.ports.machine import MachineBox
from devctl.errors import MachineError
from devctl.workflows.bases.fetch import ensure, list_bases
from devctl.workflows.doctor.project import NOBODY, Subject
from devctl.workflows.session.steps import Steps

ROUNDS = 4
"""A fix can reveal the next failure: with a context an engine can be queried, with it compose, with both the bases."""


class DoctorReport(Struct, frozen=True):
    """The lines of `checks[]`; `problem` is the error to end with, None if nothing fails."""

    checks: tuple[CheckResult, ...]
    problem: MachineError | None = None

    def as_json(self) -> dict[str, object]:
        return {"checks": [check.as_json() for check in self.checks]}


class _Fixing(Struct):
    """A `Fixer`, and what it has done so far. `undone`: the fixes that were refused, failed or had nothing left to do, and are
    not tried again."""

    box: MachineBox
    bases: Sequence[Base]
    mirror: str | None
    subject: Subject
    facts: MachineFacts = field(default_factory=MachineFacts)
    did: dict[Fix, str] = field(default_factory=dict)
    undone: set[Fix] = field(default_factory=set)
    failures: list[MachineError] = field(default_factory=list)

    def look(self) -> Sequence[CheckResult]:
        """Everything is queried at the same time, except for what depends on another answer."""
        box, subject = self.box, self.subject
        with ThreadPoolExecutor(max_workers=12) as pool:
            machine = pool.submit(box.machine.facts)
            states = [pool.submit(self._known, base) for base in self.bases]
            tree = pool.submit(box.machine.tree, subject.root) if subject.root is not None else None
            asked = {name: pool.submit(ask) for name, ask in subject.facts.items()}
            gaps = pool.submit(subject.gaps)
            found = tuple(state for future in states for state in future.result())
            inside = self._inside(pool, found)
            facts = machine.result()
            alive = facts.engine is not None
            missing = [state for state in found if not state.present] if alive else []
            answers = [(state, pool.submit(self._available, state)) for state in missing or found[:1]]
            heard = [(state, answer.result()) for state, answer in answers if alive]
            self.facts = replace(
                facts,
                bases=found,
                pullable=frozenset(state.ref for state, answered in heard if answered),
                registry_answers=any(answered for _, answered in heard) if heard else None,
                inside=inside.result() if inside is not None and alive else None,
                tree=tree.result() if tree is not None else None,
                gaps=gaps.result(),
                **cast("dict[str, Any]", {name: answer.result() for name, answer in asked.items()}),
            )
        return run_checks(self.facts)

    def _known(self, base: Base) -> tuple[BaseState, ...]:
        """Nothing if no engine can be queried: the engine's check says why."""
        try:
            return list_bases(self.box, [base], mirror=self.mirror)
        except MachineError:
            return ()

    def _inside(self, pool: ThreadPoolExecutor, bases: Sequence[BaseState]) -> Future[InsideFacts] | None:
        """One container for everything that is queried inside; nothing without a base that has a shell."""
        image, subject = _image(bases), self.subject
        if not image or not subject.start_containers:
            return None
        ask = self.box.machine.inside
        return pool.submit(lambda: ask(image, root=subject.root, owner=subject.owner, cache=subject.cache()))

    def _available(self, state: BaseState) -> bool:
        places = (*mirror_refs(state.ref, self.mirror or ""), state.ref)
        return any(self.box.machine.available(place) for place in places)

    def try_(self, fix: Fix, *, yes: bool) -> None:
        if not _consent(self.box, fix, yes=yes):
            self.undone.add(fix)
            return
        changing = self.subject.changing() if fix.in_project else nullcontext()
        try:
            with changing, Steps(self.box.reporter, self.box.clock).step(f"fix-{fix.name}", "a check failed"):
                others = {"bases": self._provide_bases, **self.subject.fixes}
                did = fix.do(self) if fix.do is not None else others[fix.name]()
            if did:
                self.did[fix] = did
                self.box.reporter.emit(Remark(did))
            else:  # another command did it while this one waited for the lock
                self.undone.add(fix)
        except MachineError as error:
            self.undone.add(fix)
            self.failures.append(error)

    @property
    def installer(self) -> Installer:
        return self.box.installer

    @property
    def owner(self) -> tuple[int, int]:
        return self.subject.owner

    def tree(self) -> TreeFacts:
        root = self.subject.root
        return self.box.machine.tree(root) if root is not None else TreeFacts(root="", owner=(0, 0))

    def gaps(self) -> Sequence[ModuleGap]:
        return self.subject.gaps() or ()

    def any_image(self) -> str:
        return _image(self.facts.bases)

    def go_image(self) -> str:
        """The project's own base; during onboard, which has not fetched it yet, any Go that is available locally."""
        image = _image(self.facts.bases) or next(iter(self.box.images.named("golang")), "")
        if not image:
            raise MachineError(
                "there is no Go base image here yet", code="not-fixed", hint="devctl bases build"
            )
        return image

    def _provide_bases(self) -> str:
        ensure(self.box, [base.ref for base in self.bases], mirror=self.mirror, allow_assemble=True)
        return f"{len(self.bases)} base images are available locally"


def run_doctor(
    box: MachineBox,
    *,
    fix: bool = False,
    yes: bool = False,
    bases: Sequence[Base] | None = None,
    mirror: str | None = None,
    subject: Subject = NOBODY,
) -> DoctorReport:
    """Every check; `bases` are the project's, or the defaults outside one; `subject` the project itself.

    `fix` is consent to fix what is devctl's or missing, `yes` to what needs a question besides.
    """
    fixing = _Fixing(box, defaults() if bases is None else tuple(bases), mirror, subject)
    results = fixing.look()
    before: dict[str, CheckResult] = {}
    for _ in range(ROUNDS if fix else 0):
        fixes = [f for f in fixes_for(results) if f not in fixing.undone | set(fixing.did)]
        if not fixes or fixing.failures:
            break
        before = {r.check.id: r for r in results if r.finding.severity != "ok"} | before
        for one in fixes[:1] if fixes[0].alone else fixes:
            fixing.try_(one, yes=yes)
        results = fixing.look()
    told = tuple(_with_cure(result, before.get(result.check.id), fixing.did) for result in results)
    return DoctorReport(told, _problem(box, told, fixing.failures))


def _image(bases: Sequence[BaseState]) -> str:
    return next((base.ref for base in bases if base.role == "golang" and base.present), "")


def _consent(box: MachineBox, fix: Fix, *, yes: bool) -> bool:
    """`--fix` is the consent to everything that is devctl's; anything else is asked, if there is somebody to ask."""
    if yes or not fix.asks:
        return True
    return box.host.confirm(fix.asks) if box.host.interactive() else fix.unasked


def _with_cure(result: CheckResult, before: CheckResult | None, did: Mapping[Fix, str]) -> CheckResult:
    """Not everything that is well now was fixed: with the bases available, no registry is missed."""
    fix = before.fix if before is not None else None
    if (
        before is None
        or fix is None
        or fix not in did
        or result.finding.severity in (before.finding.severity, "fail")
    ):
        return result
    return replace(result, did=did[fix])


def _problem(
    box: MachineBox, results: Sequence[CheckResult], failures: Sequence[MachineError]
) -> MachineError | None:
    failing = [result.finding for result in results if result.finding.severity == "fail"]
    if not failing:
        for failure in failures:
            box.reporter.warn(failure.problem)
        return None
    first = failures[0] if failures else None
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    return MachineError(
        str(first) if first else f"{failing[0].message}{more}",
        code=first.code if first else "machine-not-ready",
        hint=first.problem.hint if first else failing[0].hint,
        detail=first.detail if first else "",
        result={"checks": [result.as_json() for result in results]},
    )
