"""The builds of several services, in parallel: BuildKit builds what they share once, and nothing else waits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import Lock

from devctl.domain.plan.builds_at_once import builds_at_once
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.engine.execute import build
from devctl.workflows.engine.optional_services import Missing, leave_out
from devctl.workflows.session.jobs import note_built
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps


def build_all(box: Toolbox, session: Session, steps: Steps, causes: Mapping[str, str]) -> frozenset[str]:
    """Build the services of `causes`, optional ones last; returns what is left out because it did not build.

    Raises what `build` raises if a needed one fails; the other builds are then stopped.
    """
    extra = session.spare
    missing: dict[str, Missing] = {}
    noting = Lock()

    def one(name: str) -> None:
        try:
            with steps.step("build", causes[name], service=name):
                build(box, session, name)
        except DevctlError as error:
            if name not in extra or isinstance(error, InterruptedByUser):
                raise
            missing[name] = Missing(
                f"its image does not build ({error})", error.problem.hint, error.problem.place
            )
            return
        with noting:
            for job in (d for d in session.dependencies if d.job and d.name == name):
                note_built(box.private, session.root, job)

    works = [partial(one, name) for name in sorted(causes, key=lambda name: name in extra)]
    # The first production build compiles what they share, into the cache that the others reuse: started together, each would
    # compile all of it. A dev stage consists of layers, which BuildKit builds only once.
    alone = 1 if len(works) == 1 or any(run.mode == "prod" for run in session.runs) else 0
    for work in works[:alone]:
        work()
    if works[alone:]:
        box.processes.side_by_side(works[alone:], at_once=builds_at_once(*box.engine.room()))
    return leave_out(box.reporter, session, extra, missing)
