"""doctor and bases as commands: for the project if there is one, for the defaults elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devctl.domain.bases.references import Base, BaseState, archive_hint, defaults
from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import BasesRequest, DoctorRequest
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.plan.planner import Step
from devctl.domain.plan.run import dev_run, prod_run
from devctl.domain.ports.machine import MachineBox
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, ExitCode, FilesError, Problem, UsageError
from devctl.workflows.bases.fetch import build_bases, list_bases, load_bases, pull_bases, save_bases, to_build
from devctl.workflows.doctor.doctor import run_doctor
from devctl.workflows.doctor.project import subject_of
from devctl.workflows.project.find import root_of
from devctl.workflows.project.load import load
from devctl.workflows.session.overlay import all_bases
from devctl.workflows.session.steps import plan_outcome

NO_PROJECT = "no-go-module"


def doctor(request: DoctorRequest, box: Toolbox) -> Outcome:
    if request.dry_run:
        return plan_outcome([Step("check", None, "requested")])
    root, project = root_of(box.files, box.host, request.project), _project(box, request, broken=True)
    wanted = _bases_or_defaults(box, project)
    report = run_doctor(
        box.machine(),
        fix=request.fix,
        yes=request.yes,
        bases=wanted,
        mirror=project.mirror if project is not None else None,
        subject=subject_of(box, root, lambda: project),
    )
    problem = report.problem.problem if report.problem is not None else None
    code = ExitCode.MACHINE if problem is not None else ExitCode.OK
    return Outcome(result=report.as_json(), exit_code=code, problem=problem)


def _bases_or_defaults(box: Toolbox, project: Project | None) -> Sequence[Base]:
    """A Dockerfile that names no image says nothing about the machine."""
    try:
        return project_bases_of(box, project) if project is not None else defaults()
    except FilesError as error:
        box.reporter.warn(error.problem)
        return defaults()


def bases(request: BasesRequest, box: Toolbox) -> Outcome:
    project = _project(box, request)
    wanted = project_bases_of(box, project) if project is not None else defaults()
    mirror = project.mirror if project is not None else None
    if request.action == "load" and request.file is not None:
        _must_be_there(box, request.file)
    machine = box.machine()
    if request.dry_run:
        return plan_outcome(_plan(request, machine, wanted))
    if request.action == "pull":
        return _told(pull_bases(machine, wanted, mirror=mirror))
    if request.action == "build":
        states, impossible = build_bases(machine, wanted, mirror=mirror)
        return _told(states, impossible)
    if request.action == "save" and request.file is not None:
        return _told(save_bases(machine, wanted, request.file, mirror=mirror))
    if request.action == "load" and request.file is not None:
        return _told(load_bases(machine, request.file, mirror=mirror))
    return _told(list_bases(machine, wanted, mirror=mirror))


def _must_be_there(box: Toolbox, file: Path) -> None:
    path = box.host.cwd() / file
    if box.files.is_dir(path) or not box.files.exists(path):
        what = "is a folder" if box.files.is_dir(path) else "does not exist"
        raise UsageError(
            f"{file} {what}",
            code="usage",
            hint=archive_hint(file.name or "bases.tar"),
        )


def _plan(request: BasesRequest, machine: MachineBox, wanted: Sequence[Base]) -> list[Step]:
    if request.action == "load":
        return [Step("base", None, f"load {request.file}")]
    if request.action == "build":
        wanted = to_build(machine, wanted)
    if request.action == "save":
        wanted = [base for base in wanted if machine.images.find(base.ref) is not None]
    return [Step("base", None, f"{request.action} {base.ref}") for base in wanted]


def _project(box: Toolbox, request: BasesRequest | DoctorRequest, *, broken: bool = False) -> Project | None:
    """None outside a project; `broken`: also in one that cannot be read, with a warning if its files are broken."""
    try:
        return load(box, request.project)
    except DevctlError as error:
        if error.code == NO_PROJECT:
            return None
        if not broken or (request.project is not None and error.exit_code == ExitCode.USAGE):
            raise
        if error.exit_code == ExitCode.FILES:
            box.reporter.warn(error.problem)
        return None


def project_bases_of(box: Toolbox, project: Project) -> tuple[Base, ...]:
    """Every base that a dev run or any production run of the project may need."""
    runs = [dev_run(project, s) for s in project.services]
    for base in RUNTIME_BASES:
        runs += [prod_run(project, s, base=base) for s in project.services]
    return all_bases(box, project, runs)


def _told(states: Sequence[BaseState], impossible: Sequence[str] = ()) -> Outcome:
    problem = None
    if impossible:
        problem = Problem(
            "base-missing",
            f"cannot be assembled: {', '.join(impossible)}",
            "pull them where a registry answers",
        )
    return Outcome(
        result={"bases": [s.as_json() for s in states]},
        exit_code=ExitCode.MACHINE if impossible else ExitCode.OK,
        problem=problem,
    )
