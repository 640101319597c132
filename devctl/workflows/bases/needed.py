"""Fetches the bases a build will need before it starts: a missing one is one clear error, not a build log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.plan.run import prod_run
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import MachineError
from devctl.workflows.bases.fetch import ensure
from devctl.workflows.project.users_dockerfile import written_dockerfile
from devctl.workflows.session.overlay import all_bases
from devctl.workflows.session.session import Session


def ensure_bases(box: Toolbox, session: Session, services: Sequence[str], *, assemble: bool) -> None:
    """Raises MachineError `base-missing` with the fix. Bases that are available locally cost one look each."""
    refs = [
        base.ref
        for run in session.runs
        if run.service in services
        for base in session.bases(box.sources, run)
    ]
    try:
        ensure(box.machine(), refs, mirror=session.project.mirror, allow_assemble=assemble)
    except MachineError as error:
        if error.code != "base-missing" or error.problem.place is not None:
            raise
        raise error.replace(place=_asked_at(box, session, services)) from error


def _asked_at(box: Toolbox, session: Session, services: Sequence[str]) -> str | None:
    """The user's first line that names an image which is not available locally."""
    find = box.machine().images.find
    for run in (r for r in session.runs if r.service in services and r.written is not None):
        facts = written_dockerfile(box.sources, session.project, run)
        wanted = {base.ref for base in session.bases(box.sources, run)}
        line = next((s.line for s in facts.stages if s.base in wanted and find(s.base) is None), None)
        if line is not None:
            return f"{run.written}:{line}"
    return None


@contextmanager
def other_way_named(box: Toolbox, session: Session, services: Sequence[str]) -> Iterator[None]:
    """If a base of a production stage is not available, another one may do."""
    try:
        yield
    except MachineError as error:
        base = _does_without(box, session, services) if error.code == "base-missing" else None
        if base is not None:
            way = f"`devctl prod-preview --base {base}` does not need it"
            raise error.replace(hint=f"{error.problem.hint}; or {way}") from error
        raise


def _does_without(box: Toolbox, session: Session, services: Sequence[str]) -> str | None:
    """The base for which nothing is missing now."""
    project, find = session.project, box.machine().images.find
    runs = [run for run in session.runs if run.service in services]
    lost = {base.ref for base in all_bases(box, project, runs) if find(base.ref) is None}
    own = [service for run in runs if (service := project.service(run.service)) is not None]
    for name in RUNTIME_BASES:
        others = [prod_run(project, service, base=name) for service in own]
        if not lost & {base.ref for base in all_bases(box, project, others)}:
            return name
    return None
