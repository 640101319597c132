"""The bases a build will ask for, had before it starts: a missing one is one clear error, not a build log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from devctl.domain.bases import Base, project_bases
from devctl.domain.gofacts import DockerfileFacts
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.runs import Run, built_from
from devctl.domain.stages import find_stage, needed_by
from devctl.errors import MachineError
from devctl.workflows.bases import ensure
from devctl.workflows.session import Session, build_args, overlay_files
from devctl.workflows.steps import Steps


def ensure_bases(
    box: Toolbox, session: Session, steps: Steps, services: Sequence[str], *, assemble: bool
) -> None:
    """Raises MachineError `base-missing` with the remedy. Bases that are here cost one look each."""
    del steps  # what has to be fetched or made tells its own steps
    refs = [
        base.ref
        for run in session.runs
        if run.service in services
        for base in run_bases(box, session.project, run)
    ]
    ensure(box.machine(), refs, mirror=session.project.mirror, allow_assemble=assemble)


@contextmanager
def other_way_named(session: Session, services: Sequence[str]) -> Iterator[None]:
    """Where a base of the user's production stage cannot be had (node, for a frontend), ours may do: it takes what lies here."""
    try:
        yield
    except MachineError as error:
        runs = [run for run in session.runs if run.service in services and not run.ours]
        used = {base for run in runs for base in _own_bases(session, run)}
        free = next((base for base in ("distroless", "alpine", "scratch") if base not in used), None)
        if error.code == "base-missing" and runs and free is not None:
            way = f"`devctl prod-preview --base {free}` builds with devctl's own stage, from what lies here"
            error.problem = replace(error.problem, hint=f"{error.problem.hint}; or {way}")
        raise


def _own_bases(session: Session, run: Run) -> frozenset[str]:
    service = session.project.service(run.service)
    return frozenset(service.prod_stages if service is not None else ())


def run_bases(box: Toolbox, project: Project, run: Run) -> tuple[Base, ...]:
    """The outside images that building this run's stage needs, its arguments filled in."""
    facts = dockerfile_of(box, project, run)
    stage = find_stage(facts, run.stage) if run.stage else facts.stages[-1]
    if stage is None:
        return ()
    stages = needed_by(facts, stage)
    return project_bases((), (DockerfileFacts(facts.path, stages, facts.global_args),))


def dockerfile_of(box: Toolbox, project: Project, run: Run) -> DockerfileFacts:
    text = overlay_files(box, project, run)[f"{run.service}/Dockerfile"]
    return box.sources.dockerfile_text(
        text, path=run.dockerfile or built_from(run), args=build_args(project, run)
    )


def all_bases(box: Toolbox, project: Project, runs: Iterable[Run]) -> tuple[Base, ...]:
    """What the project asks for, whatever builds in its place today."""
    asked = replace(project, replaced={})
    return tuple(dict.fromkeys(base for run in runs for base in run_bases(box, asked, run)))
