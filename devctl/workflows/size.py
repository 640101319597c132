"""size: the production image on each base, measured. Takes no lock and leaves the files that other commands use alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from devctl.domain.bases import published_base_bytes
from devctl.domain.events import Outcome
from devctl.domain.gobinary import Package, build_info, functions, packages
from devctl.domain.observed import ASSEMBLED_LABEL, Observed
from devctl.domain.overlay import OVERLAY
from devctl.domain.planner import Step, Wanted
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.render import render
from devctl.domain.reproducible import Twice
from devctl.domain.requests import SizeRequest
from devctl.domain.runs import Run, prod_run
from devctl.domain.size import SizeReport, SizeRow, budget_bytes, chosen_bases, megabytes, size_text
from devctl.domain.stages import external_base, find_stage
from devctl.domain.wanted import label_wanted
from devctl.errors import Problem, ProjectError
from devctl.workflows.bases_needed import ensure_bases
from devctl.workflows.execute import must
from devctl.workflows.go_bases import settle
from devctl.workflows.lifecycle import plan_outcome
from devctl.workflows.load import load
from devctl.workflows.manifests import deps_fingerprint
from devctl.workflows.reproducible import build_twice, must_repeat
from devctl.workflows.session import Session, overlay_files
from devctl.workflows.size_budget import Judged, judge
from devctl.workflows.steps import Steps

FOLDER = "size"
"""Below `.devctl/`: what `size` builds from, apart from what `up` and `prod-preview` use."""
Page = Callable[[Mapping[str, object], str], str]


@dataclass(frozen=True, slots=True)
class _Built:
    """One image to build; `key` names it in the model that compose is given."""

    service: Service
    base: str
    run: Run
    key: str


def size(request: SizeRequest, box: Toolbox, *, page: Page | None = None) -> Outcome:
    """Raises ProjectError `over-budget` with all rows. `page` makes the HTML of a result and a title."""
    project = load(box, request.project)
    project = settle(box, project, mode="prod", dry_run=request.dry_run, assemble=request.yes)
    bases = chosen_bases(request.bases)
    budget = budget_bytes(request.budget or box.sources.config(Path(project.root)).prod.budget)
    targets = [_built(project, service, base) for service in project.services for base in bases]
    if request.dry_run:
        return plan_outcome([Step("build", t.service.name, f"production image on {t.base}") for t in targets])
    specs = _build(box, project, targets, bases, assemble=request.yes)
    production = project.prod_base or "distroless"
    rows = tuple(_row(box, project, target) for target in targets)
    _say_mixed(box, targets)
    read = cache(lambda row: _packages(box, row))
    first = next((r for r in rows if r.base == production), rows[0])
    report = SizeReport(rows, read(first), budget, production)
    judged = judge(box, project, report, packages=read)
    twice = _twice(box, project, targets, specs, report) if request.reproducible else None
    result = {
        **report.as_json(),
        "grown": [g.as_json() for g in judged.grown],
        "reproducible": None if twice is None else [t.as_json() for t in twice],
    }
    text = "\n".join([size_text(report), *(line for t in twice or () for line in t.text)])
    if request.html is not None and page is not None:
        path = box.host.cwd() / request.html
        box.files.write_atomic(path, page(result, project.name))
        text += f"\nwritten: {path}"
    if report.over:
        raise _over(report, judged, text, result)
    must_repeat(twice or (), result, text=text)
    return Outcome(result=result, text=text)


def _built(project: Project, service: Service, base: str) -> _Built:
    # prod.target is left out: it names one stage, and a comparison needs the stage of each base.
    return _Built(service, base, prod_run(project, service, base=base), f"{service.name}-{base}")


def _build(
    box: Toolbox, project: Project, targets: Sequence[_Built], bases: Sequence[str], *, assemble: bool
) -> dict[str, object]:
    """One compose build for all images, so that the stages they share are built once."""
    steps = Steps(box)
    folder = box.files.state_dir(Path(project.root))
    specs: dict[str, object] = {}
    for base in bases:
        mine = [t for t in targets if t.base == base]
        session = _session(box, project, [t.run for t in mine])
        ensure_bases(box, session, steps, [t.service.name for t in mine], assemble=assemble)
        model = json.loads(session.model_text)
        for target in mine:
            specs[target.key] = _spec(box, project, target, model, folder)
    file = folder / f"{FOLDER}.json"
    text = json.dumps({"name": project.name, "services": specs}, indent=1) + "\n"
    # 0600: build arguments may hold what is not for everyone.
    box.files.write_atomic(file, text, owner=project.owner, mode=0o600)
    with steps.step("build", f"production image on {', '.join(bases)}"):
        must(box.compose.build(file, [t.key for t in targets]), "build", what="the production image")
    return specs


def _session(box: Toolbox, project: Project, runs: Sequence[Run]) -> Session:
    """As `open_session` has it, without the choice of a host port: nothing is going to run."""
    model = render(project, runs, observed=Observed(), cache_volume="unused")
    wanted = tuple(_labelled(box, project, run, model) for run in runs)
    return Session(
        project=project,
        runs=tuple(runs),
        observed=Observed(),
        images={},
        wanted=wanted,
        dependencies=(),
        model_text=json.dumps(model),
        cache_volume="unused",
    )


def _labelled(box: Toolbox, project: Project, run: Run, model: dict[str, Any]) -> Wanted:
    service = project.service(run.service)
    assert service is not None
    theirs = box.files.read_text(Path(project.root) / run.context / ".air.toml")
    recipe = {**overlay_files(box, project, run), ".air.toml": None if run.ours else theirs}
    return label_wanted(model, run, deps=deps_fingerprint(box, project, service), recipe_files=recipe)


def _spec(
    box: Toolbox, project: Project, target: _Built, model: Mapping[str, Any], folder: Path
) -> dict[str, object]:
    """The image and build of one target, built from a copy of its own: `up` may write the shared one at this moment."""
    own = Path(FOLDER) / target.base
    for name, text in overlay_files(box, project, target.run).items():
        box.files.write_atomic(folder / own / name, text, owner=project.owner)
    build = dict(model["services"][target.service.name]["build"])
    build["dockerfile"] = f"{project.root}/{OVERLAY}/{own.as_posix()}/{target.service.name}/Dockerfile"
    return {"image": target.run.image, "build": build}


def _row(box: Toolbox, project: Project, target: _Built) -> SizeRow:
    image = box.images().read(target.run.image)
    base_ref = _base_ref(box, project, target)
    base = box.images().read(base_ref) if base_ref is not None else None
    assembled = base is not None and base.labels.get(ASSEMBLED_LABEL) == "true"
    return SizeRow(
        service=target.service.name,
        base=target.base,
        ref=target.run.image,
        size_bytes=image.size_bytes,
        base_ref=base_ref,
        base_bytes=base.size_bytes if base is not None else 0,
        binary_bytes=image.binary.size_bytes if image.binary is not None else 0,
        assembled=assembled,
        published_base_bytes=published_base_bytes(base_ref) if assembled and base_ref is not None else None,
        layers=image.layers,
    )


def _base_ref(box: Toolbox, project: Project, target: _Built) -> str | None:
    run = target.run
    if target.base == "scratch":
        return None
    if run.dockerfile is None:
        return project.bases[target.base]
    facts = box.sources.dockerfile(Path(project.root) / run.dockerfile, root=Path(project.root))
    stage = find_stage(facts, run.stage) if run.stage else None
    return external_base(facts, stage or facts.stages[-1])


def _packages(box: Toolbox, row: SizeRow) -> tuple[Package, ...]:
    """Code by package of the program of a row: the same program is in every row of its service."""
    facts = box.images().read(row.ref)
    data = box.images().binary(row.ref, facts.binary.path) if facts.binary is not None else b""
    found = packages(functions(data), build_info(data))
    if not found:
        box.reporter.warn(
            Problem(
                "packages-unknown",
                f"the program in {row.ref} has no table of Go functions that devctl can read",
                "build it with Go 1.18 or newer, and not packed (upx)",
            )
        )
    return found


def _say_mixed(box: Toolbox, targets: Sequence[_Built]) -> None:
    """A user's stage beside ours may differ in more than the base: other flags, other files."""
    for service in dict.fromkeys(t.service.name for t in targets):
        mine = [t for t in targets if t.service.name == service]
        ours = [t.base for t in mine if t.run.ours]
        own = [t for t in mine if not t.run.ours]
        if ours and own:
            box.reporter.warn(
                Problem(
                    "mixed-stages",
                    f"{own[0].run.dockerfile} has no production stage on {', '.join(ours)}: devctl's own stage was "
                    "measured there, so binaries and files may differ",
                    f"--bases {','.join(t.base for t in own)} measures your own stages alone",
                    own[0].run.dockerfile,
                )
            )


def _twice(
    box: Toolbox, project: Project, targets: Sequence[_Built], specs: Mapping[str, object], report: SizeReport
) -> tuple[Twice, ...]:
    """On one base a service: the program is the same on all."""
    judged = {(r.service, r.base) for r in report.judged}
    runs = {t.key: t.run for t in targets if (t.service.name, t.base) in judged}
    first = {run.service: key for key, run in reversed(runs.items())}
    return build_twice(box, project, {key: runs[key] for key in first.values()}, specs)


def _over(report: SizeReport, judged: Judged, text: str, result: dict[str, object]) -> ProjectError:
    worst, budget = report.worst, report.budget_bytes or 0
    above = megabytes(worst.size_bytes - budget)
    return ProjectError(
        f"{worst.ref} has {megabytes(worst.size_bytes)}, {above} over the budget{judged.why}",
        code="over-budget",
        hint="devctl size --html size.html shows what it is made of; devctl.yaml: prod: budget: sets the budget",
        detail=text,
        result=result,
    )
