"""Services that the project's files named earlier: their containers end before those that replace them start."""

from __future__ import annotations

from collections.abc import Sequence

from devctl.domain.command.argv import docker
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps


def remove_former(box: Toolbox, session: Session, steps: Steps) -> None:
    """Each is asked to stop first, as compose does with a service that it recreates."""
    for step in (s for s in session.plan() if s.step == "remove"):
        ids = [c.id for c in session.observed.containers if c.service == step.service]
        with steps.step("remove", step.cause, service=step.service):
            end(box, ids)


def end(box: Toolbox, ids: Sequence[str]) -> None:
    """Remove containers, which are asked to stop first."""
    box.processes.run(docker("stop", to=ids))
    box.engine.remove_containers(ids)
