"""The builds of several services, side by side: what they share is built once by BuildKit, the rest waits for nothing."""

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
    """Build the services of `causes`, those that nobody needs at last; returns what is left out because it did not build.

    Raises what `build` raises where a needed one fails; the builds beside it are ended then.
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
    # What production builds share is compiled by the first, into the cache that the others go on with: begun together, each would
    # compile all of it. What a dev stage is built of are layers, and BuildKit makes one of those once.
    alone = 1 if len(works) == 1 or any(run.mode == "prod" for run in session.runs) else 0
    for work in works[:alone]:
        work()
    if works[alone:]:
        box.processes.side_by_side(works[alone:], at_once=builds_at_once(*box.engine.room()))
    return leave_out(box.reporter, session, extra, missing)
