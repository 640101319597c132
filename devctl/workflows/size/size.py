"""size: measures the production image on each base. Takes no lock and leaves alone the files that other commands use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from msgspec import Struct

from devctl.domain.bases.references import published_base_bytes
from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import SizeRequest
from devctl.domain.dockerfile.recipe import Recipe, Recipes
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, RUNTIME_BASES
from devctl.domain.dockerfile.stages import external_base, find_stage
from devctl.domain.image.go_binary import Package, build_info, functions, packages
from devctl.domain.plan.engine_state import ASSEMBLED_LABEL, Observed
from devctl.domain.plan.planner import Step
from devctl.domain.plan.run import Run, prod_run, start_of
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.compose_model import OwnModel
from devctl.domain.project.model import Project, Service
from devctl.domain.size.growth import BudgetNote, Grown, Weighed, grown, growth_text, modules
from devctl.domain.size.report import SizeReport, SizeRow, budget_bytes, chosen_bases, megabytes, size_text
from devctl.domain.size.reproducible import Twice
from devctl.errors import DevctlError, InterruptedByUser, Problem, ProjectError, UsageError
from devctl.workflows.advice.advice import say_left_out
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.bases.needed import ensure_bases
from devctl.workflows.engine.execute import must
from devctl.workflows.preview.impossible import refuse_hidden
from devctl.workflows.project.load import load
from devctl.workflows.project.users_dockerfile import written_dockerfile
from devctl.workflows.session.overlay import dockerfile_of
from devctl.workflows.session.session import session_of
from devctl.workflows.session.steps import Steps, looking, plan_outcome
from devctl.workflows.size.reproducible import build_twice, must_repeat
from devctl.workflows.switch.intent import read_intent

Page = Callable[[Mapping[str, object], str], str]

_Read = Callable[[SizeRow], tuple[Package, ...]]


class _Built(Struct, frozen=True):
    """One image to build; `key` is its name in the model for compose."""

    service: Service
    base: str
    run: Run
    key: str


def size(request: SizeRequest, box: Toolbox, *, page: Page | None = None) -> Outcome:
    """Raises ProjectError `over-budget` with all rows. `page` turns a result and a title into HTML."""
    with Steps(box.reporter, box.clock).step("read", "project files"):
        project = load(box, request.project)
        project = resolve_bases(box, project, mode="prod", dry_run=request.dry_run, assemble=request.yes)
    bases = chosen_bases(request.bases)
    wanted = request.budget if request.budget is not None else box.sources.config(project.root).prod.budget
    budget = budget_bytes(wanted)
    if request.html is not None:
        _must_be_page(box, project, request.html)
    services = project.services or (project.first,)
    targets = [_built(project, service, base) for service in services for base in bases]
    if request.dry_run:
        return plan_outcome([Step("build", t.service.name, f"production image on {t.base}") for t in targets])
    for target in targets:
        built = dockerfile_of(box, project, target.run)
        refuse_hidden(box.files, project, target.run, built=built)
    model, recipes = _build(box, project, targets, bases, assemble=request.yes)
    production = project.prod_base or DEFAULT_BASE
    starts = {target.run.image: start_of(target.service, target.run) for target in targets}
    read = cache(lambda row: _packages(box, row, starts[row.ref]))
    with looking(box.reporter, box.clock, "image contents"):
        rows = tuple(_row(box, project, target) for target in targets)
        first = next((r for r in rows if r.base == production), rows[0])
        report = SizeReport(rows, read(first), budget, production)
        judged = _judge(box.state, project, report, packages=read)
    result = {**report.as_json(), "grown": [g.as_json() for g in judged.grown], "reproducible": None}
    text, twice = size_text(report), tuple[Twice, ...]()
    with _known(result):
        if request.reproducible:
            twice = _twice(box, project, targets, (model, recipes), report)
            result["reproducible"] = [t.as_json() for t in twice]
            text = "\n".join([text, *(line for t in twice for line in t.text)])
        if request.html is not None and page is not None:
            path = box.host.cwd() / request.html
            # A path elsewhere was given by the caller.
            within = project.root if path.is_relative_to(project.root) else path.parent
            box.files.write_atomic(path, page(result, project.name), within=within)
            text += f"\nwritten: {path}"
    if report.over:
        raise _over(report, judged, text, result)
    must_repeat(twice, result, text=text)
    return Outcome(result=result, text=text)


def _must_be_page(box: Toolbox, project: Project, file: Path) -> None:
    """Before anything is built, which may take minutes. Folders in the project are made. A page replaces an earlier one and no
    other file."""
    path, usual = box.host.cwd() / file, "devctl size --html size.html"
    if box.files.is_dir(path):
        raise UsageError(f"--html: {file} is a folder", code="usage", hint=usual)
    before = box.files.read_text(path, within=None)
    if before and not before.lstrip().startswith("<"):
        raise UsageError(
            f"--html: {file} exists and is not an HTML page, so it is not overwritten",
            code="usage",
            hint=usual,
        )
    if not path.is_relative_to(project.root) and not box.files.is_dir(path.parent):
        raise UsageError(f"--html: there is no folder {path.parent}", code="usage", hint=usual)


@contextmanager
def _known(result: Mapping[str, object]) -> Iterator[None]:
    """What fails from now on reports what was measured."""
    try:
        yield
    except DevctlError as error:
        raise error.replace(result={**result, **error.result}) from error
    except KeyboardInterrupt:
        raise InterruptedByUser(result=result) from None


def _built(project: Project, service: Service, base: str) -> _Built:
    # prod.target is left out: it names one stage, and a comparison needs the stage of each base.
    return _Built(service, base, prod_run(project, service, base=base), f"{service.name}-{base}")


def _build(
    box: Toolbox, project: Project, targets: Sequence[_Built], bases: Sequence[str], *, assemble: bool
) -> tuple[dict[str, object], Recipes]:
    """One compose build for all images, so that the stages they share are built once."""
    steps = Steps(box.reporter, box.clock)
    box.state.make(project.root)
    specs: dict[str, object] = {}
    secrets: dict[str, object] = {}
    recipes: dict[str, Recipe] = {}
    for base in bases:
        mine = [t for t in targets if t.base == base]
        # As in `open_session`, without choosing a host port: nothing is going to run.
        runs, names = [t.run for t in mine], [t.service.name for t in mine]
        session = session_of(box, project, runs, observed=Observed(), chosen=names)
        ensure_bases(box, session, names, assemble=assemble)
        secrets |= session.model.get("secrets") or {}
        for target in mine:
            build = session.model["services"][target.service.name]["build"]
            specs[target.key] = {"image": target.run.image, "build": build}
            recipes[target.key] = session.recipes[target.service.name]
    say_left_out(box.reporter, project, [t.run for t in targets])
    model: OwnModel = {"name": project.name, "services": specs, "secrets": secrets}
    refs = [t.run.image for t in targets]
    before = {image.id for image in box.engine.images(refs).values()}
    with steps.step("build", f"production image on {', '.join(bases)}"):
        done = box.compose.build(project.root, model, [t.key for t in targets], recipes=recipes)
        must(done, "build", what="the production image")
    _remove_superseded(
        box.private,
        box.engine,
        project.root,
        before - {image.id for image in box.engine.images(refs).values()},
    )
    return model, recipes


def _remove_superseded(private: PrivateState, engine: Engine, root: Path, images: Iterable[str]) -> None:
    """Not what a running or killed command's switch may go back to. The engine keeps what runs; the next switch removes it."""
    intent = read_intent(private, root)
    for image in set(images) - set(intent.tags.values() if intent is not None else ()):
        engine.remove_image(image)


def _row(box: Toolbox, project: Project, target: _Built) -> SizeRow:
    image = box.images().read(target.run.image, start=start_of(target.service, target.run))
    base_ref = _base_ref(box.sources, project, target)
    base = box.images().read(base_ref) if base_ref is not None else None
    assembled = base is not None and base.labels.get(ASSEMBLED_LABEL) == "true"
    return SizeRow(
        service=target.service.name,
        base=target.base,
        ref=target.run.image,
        size_bytes=image.size_bytes,
        base_ref=base_ref,
        base_bytes=base.size_bytes if base is not None else 0,
        binary_bytes=image.program.size_bytes if image.program is not None else 0,
        assembled=assembled,
        published_base_bytes=published_base_bytes(base_ref) if assembled and base_ref is not None else None,
        layers=image.layers,
    )


def _base_ref(sources: Sources, project: Project, target: _Built) -> str | None:
    run = target.run
    if RUNTIME_BASES[target.base].image is None:
        return None
    if run.dockerfile is None or run.rebased:
        return project.bases[target.base]
    facts = written_dockerfile(sources, project, run)
    return external_base(facts, find_stage(facts, run.stage) or facts.stages[-1])


def _packages(box: Toolbox, row: SizeRow, start: tuple[Sequence[str], Sequence[str]]) -> tuple[Package, ...]:
    """Code by package of a row's program: every row of a service has the same program."""
    facts = box.images().read(row.ref, start=start)
    data = box.images().binary(row.ref, facts.program.path) if facts.program is not None else b""
    found = packages(functions(data), build_info(data))
    if not found:
        box.reporter.warn(
            Problem(
                "packages-unknown",
                f"the program in {row.ref} has no table of Go functions that devctl can read",
                "build it with Go 1.18 or newer, and do not pack it (upx)",
            )
        )
    return found


def _twice(
    box: Toolbox,
    project: Project,
    targets: Sequence[_Built],
    built: tuple[Mapping[str, object], Recipes],
    report: SizeReport,
) -> tuple[Twice, ...]:
    """One base per service: the program is the same on all."""
    judged = {(r.service, r.base) for r in report.judged}
    runs = {t.key: t.run for t in targets if (t.service.name, t.base) in judged}
    first = {run.service: key for key, run in reversed(runs.items())}
    return build_twice(box, project, {key: runs[key] for key in first.values()}, *built)


def _over(report: SizeReport, judged: _Judged, text: str, result: dict[str, object]) -> ProjectError:
    worst, budget = report.worst, report.budget_bytes or 0
    above = megabytes(worst.size_bytes - budget)
    return ProjectError(
        f"{worst.ref} is {megabytes(worst.size_bytes)}, {above} over the budget{judged.why}",
        code="over-budget",
        hint="devctl size --html size.html shows what it consists of; devctl.yaml: `prod: {budget: 12MB}` sets the budget",
        detail=text,
        result=result,
    )


class _Judged(Struct, frozen=True):
    """`why`: the end of the sentence "over the budget"; "" within it."""

    grown: tuple[Grown, ...] = ()
    why: str = ""


def _judge(state: StateFolder, project: Project, report: SizeReport, *, packages: _Read) -> _Judged:
    """A build within its budget is recorded; one over the budget is compared with the last one recorded."""
    if report.budget_bytes is None:
        return _Judged()
    last = state.read(project.root, BudgetNote).within
    if not report.over:
        now = {row.service: _weigh(row, packages(row)) for row in report.judged}
        state.write(project.root, BudgetNote({**last, **now}))
        return _Judged()
    worst = report.worst
    before, found = last.get(worst.service), packages(worst)
    if before is None:
        third = next((p for p in found if p.module not in ("std", "")), None)
        return _Judged(why=f"; largest module: {third.module}" if third is not None else "")
    weighed = _weigh(worst, found)
    why = f"; since the last build within budget: {growth_text(before, weighed)}"
    return _Judged(grown(before, weighed), why)


def _weigh(row: SizeRow, packages: tuple[Package, ...]) -> Weighed:
    return Weighed(row.size_bytes, row.base_bytes, modules(packages))
