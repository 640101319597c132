"""`doctor`: gather facts, judge them by the table of checks, and with `--fix` put right what can be, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from devctl.domain.bases import Base, BaseState, defaults, mirror_refs
from devctl.domain.check_facts import DockerConfigFacts, InsideFacts, MachineFacts, TreeFacts
from devctl.domain.checks import CheckResult, fixes_for, run_checks
from devctl.domain.events import Note
from devctl.domain.ports_machine import MachineBox
from devctl.domain.verdicts import ALONE, QUESTIONS, Fix
from devctl.errors import MachineError
from devctl.workflows.bases import ensure, list_bases
from devctl.workflows.doctor_project import NOBODY, Subject
from devctl.workflows.steps import Steps

ROUNDS = 4
"""A fix can bring the next failure to light: with a context an engine is asked, with it compose, with both the bases."""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The lines of `checks[]`; `problem` is the error to end with, None where nothing fails."""

    checks: tuple[CheckResult, ...]
    problem: MachineError | None = None

    def as_json(self) -> dict[str, object]:
        return {"checks": [check.as_json() for check in self.checks]}


@dataclass(slots=True)
class _Mending:
    """What `--fix` has done so far. `undone`: the fixes that were refused or failed, and are not tried again."""

    box: MachineBox
    bases: Sequence[Base]
    mirror: str | None
    subject: Subject
    yes: bool
    did: dict[Fix, str]
    undone: set[Fix]
    failures: list[MachineError]

    def mend(self, fix: Fix, facts: MachineFacts) -> None:
        if not _consent(self.box, fix, yes=self.yes):
            self.undone.add(fix)
            return
        try:
            with Steps(self.box).step(f"fix-{fix}", "a check failed"):
                self.did[fix] = self._work(facts)[fix]()
                self.box.reporter.emit(Note(self.did[fix]))
        except MachineError as error:
            self.undone.add(fix)
            self.failures.append(error)

    def _work(self, facts: MachineFacts) -> Mapping[Fix, Callable[[], str]]:
        installer = self.box.installer
        tree = facts.tree or TreeFacts(root="", owner=(0, 0))
        return {
            "engine": installer.provide_engine,
            "compose": installer.provide_compose,
            "bases": self._provide_bases,
            "leftovers": self.subject.clean,
            "docker-config": lambda: installer.mend_docker_config(facts.docker_config or DockerConfigFacts()),
            "abandoned": self.subject.end_abandoned,
            "externals": self.subject.create_externals,
            "inotify": installer.raise_watch_limits,
            "x-bits": lambda: installer.set_x_bits(tree),
            "modules": lambda: installer.complete_modules(
                tree, facts.gaps or (), image=self._go_image(facts)
            ),
            "owner": lambda: installer.set_owner(tree, image=_image(facts.bases)),
            "scripts": lambda: installer.set_line_endings(tree),
            "cache": lambda: installer.own_cache(
                facts.inside.cache if facts.inside else "",
                owner=self.subject.owner,
                image=self._go_image(facts),
            ),
            "git": lambda: installer.trust_folder(tree),
        }

    def _go_image(self, facts: MachineFacts) -> str:
        """The project's own base; during onboard, which has not asked for it yet, any Go that is here."""
        image = _image(facts.bases) or next(iter(self.box.images.named("golang")), "")
        if not image:
            raise MachineError("no Go base is here yet", code="not-mended", hint="devctl bases build")
        return image

    def _provide_bases(self) -> str:
        ensure(self.box, [base.ref for base in self.bases], mirror=self.mirror, allow_assemble=True)
        return f"{len(self.bases)} base images are here"


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

    `fix` is consent to mend what is devctl's or missing, `yes` to what is asked for besides.
    """
    wanted = defaults() if bases is None else tuple(bases)
    facts = gather(box, wanted, mirror=mirror, subject=subject)
    results = run_checks(facts)
    mending = _Mending(box, wanted, mirror, subject, yes, {}, set(), [])
    before: dict[str, CheckResult] = {}
    for _ in range(ROUNDS if fix else 0):
        fixes = [f for f in fixes_for(results) if f not in mending.undone | set(mending.did)]
        if not fixes or mending.failures:
            break
        before.update({r.id: r for r in results if r.status != "ok" and r.id not in before})
        for one in fixes[:1] if fixes[0] in ALONE else fixes:
            mending.mend(one, facts)
        facts = gather(box, wanted, mirror=mirror, subject=subject)
        results = run_checks(facts)
    mended = tuple(_with_cure(result, before.get(result.id), mending.did) for result in results)
    return DoctorReport(mended, _problem(box, mended, mending.failures))


def gather(
    box: MachineBox, bases: Sequence[Base], *, mirror: str | None, subject: Subject = NOBODY
) -> MachineFacts:
    """Everything is asked at the same time, except for what needs an answer first."""
    with ThreadPoolExecutor(max_workers=12) as pool:
        machine = pool.submit(box.machine.facts)
        states = [pool.submit(list_bases, box, [base], mirror=mirror) for base in bases]
        tree = pool.submit(box.machine.tree, subject.root) if subject.root is not None else None
        ports, left = pool.submit(subject.ports), pool.submit(subject.leftovers)
        externals, abandoned = pool.submit(subject.externals), pool.submit(subject.abandoned)
        gaps = pool.submit(subject.gaps)
        found = tuple(state for future in states for state in future.result())
        inside = _inside(box, pool, found, subject)
        facts = machine.result()
        alive = facts.engine is not None
        missing = [state for state in found if not state.present] if alive else []
        answers = [(state, pool.submit(_available, box, state, mirror)) for state in missing or found[:1]]
        heard = [(state, answer.result()) for state, answer in answers if alive]
        return replace(
            facts,
            bases=found,
            pullable=frozenset(state.ref for state, answered in heard if answered),
            registry_answers=any(answered for _, answered in heard) if heard else None,
            inside=inside.result() if inside is not None and alive else None,
            tree=tree.result() if tree is not None else None,
            ports=ports.result(),
            leftovers=left.result(),
            abandoned=abandoned.result(),
            externals=externals.result(),
            gaps=gaps.result(),
            lock_holder=subject.lock_holder(),
        )


def _inside(
    box: MachineBox, pool: ThreadPoolExecutor, bases: Sequence[BaseState], subject: Subject
) -> Future[InsideFacts] | None:
    """One container for all that is asked inside; without a base that has a shell nothing is."""
    image = _image(bases)
    if not image or not subject.start_containers:
        return None
    return pool.submit(
        lambda: box.machine.inside(image, root=subject.root, owner=subject.owner, cache=subject.cache())
    )


def _image(bases: Sequence[BaseState]) -> str:
    return next((base.ref for base in bases if base.role == "golang" and base.present), "")


def _available(box: MachineBox, state: BaseState, mirror: str | None) -> bool:
    return any(box.machine.available(place) for place in (*mirror_refs(state.ref, mirror or ""), state.ref))


def _consent(box: MachineBox, fix: Fix, *, yes: bool) -> bool:
    """`--fix` is the consent to all that is devctl's. To install packages is asked for once more where there is someone to
    ask; what changes the user's own files or settings is done only when agreed to."""
    question = QUESTIONS.get(fix)
    if question is None or yes:
        return True
    return box.host.confirm(question) if box.host.interactive() else fix == "engine"


def _with_cure(result: CheckResult, before: CheckResult | None, did: Mapping[Fix, str]) -> CheckResult:
    """Not everything that is well now was mended: with the bases here, no registry is missed."""
    if before is None or before.mend not in did or result.status in (before.status, "fail"):
        return result
    return replace(result, fixed=True, did=did[before.mend] if before.mend is not None else "")


def _problem(
    box: MachineBox, results: Sequence[CheckResult], failures: Sequence[MachineError]
) -> MachineError | None:
    failing = [result for result in results if result.status == "fail"]
    if not failing:
        for failure in failures:
            box.reporter.warn(failure.problem)
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
