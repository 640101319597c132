"""doctor and bases as commands: for the project where there is one, for the defaults elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devctl.domain.bases import Base, BaseState, defaults
from devctl.domain.checks import CheckResult
from devctl.domain.events import Outcome
from devctl.domain.planner import Step
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import BasesRequest, DoctorRequest
from devctl.domain.runs import dev_run, prod_run
from devctl.errors import DevctlError, ExitCode, Problem
from devctl.workflows.bases import build_bases, list_bases, load_bases, pull_bases, save_bases
from devctl.workflows.bases_needed import all_bases
from devctl.workflows.doctor import run_doctor
from devctl.workflows.doctor_project import root_of, subject_of
from devctl.workflows.lifecycle import plan_outcome
from devctl.workflows.load import load

MEGABYTE = 1_000_000
NO_PROJECT = "no-go-module"
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def doctor(request: DoctorRequest, box: Toolbox) -> Outcome:
    if request.dry_run:
        return plan_outcome([Step("check", None, "asked for")])
    root, project = root_of(box, request.project), _project(box, request, say=True)
    wanted = project_bases_of(box, project) if project is not None else defaults()
    report = run_doctor(
        box.machine(),
        fix=request.fix,
        yes=request.yes,
        bases=wanted,
        mirror=project.mirror if project is not None else None,
        subject=subject_of(box, root, lambda: project),
    )
    lines = [line for check in report.checks for line in _lines(check)]
    problem = report.problem.problem if report.problem is not None else None
    code = ExitCode.MACHINE if problem is not None else ExitCode.OK
    return Outcome(result=report.as_json(), text="\n".join(lines), exit_code=code, problem=problem)


def bases(request: BasesRequest, box: Toolbox) -> Outcome:
    wanted, mirror = _wanted(box, request)
    if request.dry_run:
        return plan_outcome([Step("base", None, f"{request.action} {base.ref}") for base in wanted])
    machine = box.machine()
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


def _lines(check: CheckResult) -> list[str]:
    """One line for what is well; with its reason and remedy for what is not."""
    first = f"{MARKS[check.status]} {check.what}"
    if check.fixed:
        return [f"{first} (mended{f': {check.did}' if check.did else ''})"]
    if check.status == "ok":
        return [first]
    return [first, f"    looked at {check.looked_at}: {check.why}", f"    → {check.hint}"]


def _project(box: Toolbox, request: BasesRequest | DoctorRequest, *, say: bool = False) -> Project | None:
    """None outside a project, or in one whose files are broken today; `say`: what is broken is a warning."""
    try:
        return load(box, request.project)
    except DevctlError as error:
        if request.project is not None and error.exit_code == ExitCode.USAGE:
            raise
        if say and error.exit_code == ExitCode.FILES and error.code != NO_PROJECT:
            box.reporter.warn(error.problem)
        return None


def _wanted(box: Toolbox, request: BasesRequest) -> tuple[Sequence[Base], str | None]:
    project = _project(box, request)
    return (defaults(), None) if project is None else (project_bases_of(box, project), project.mirror)


def project_bases_of(box: Toolbox, project: Project) -> tuple[Base, ...]:
    """Every base that a dev run or any production run of the project may ask for, whatever builds in its place today."""
    project = replace(project, replaced={})
    runs = [dev_run(project, s) for s in project.services]
    for base in ("distroless", "alpine", "scratch"):
        runs += [prod_run(project, s, base=base) for s in project.services]
    return all_bases(box, project, runs)


def _told(states: Sequence[BaseState], impossible: Sequence[str] = ()) -> Outcome:
    wide = max((len(s.ref) for s in states), default=0)
    lines = [
        f"{s.ref:<{wide}}  {s.source if s.present else 'missing':<9}"
        + (f"  {s.size_bytes / MEGABYTE:.1f} MB" if s.present else "")
        for s in states
    ]
    lines += [f"{ref}: no stand-in can be made" for ref in impossible]
    problem = None
    if impossible:
        problem = Problem(
            "base-missing",
            f"cannot be assembled: {', '.join(impossible)}",
            "pull them where a registry answers",
        )
    return Outcome(
        result={"bases": [s.as_json() for s in states]},
        text="\n".join(lines),
        exit_code=ExitCode.MACHINE if impossible else ExitCode.OK,
        problem=problem,
    )
