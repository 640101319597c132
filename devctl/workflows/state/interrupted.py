"""What a command reports that Ctrl-C ended early."""

from __future__ import annotations

from collections.abc import Mapping

from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import InterruptedByUser
from devctl.workflows.state.snapshot import what_runs


def interrupted(
    box: Toolbox, project: Project, result: Mapping[str, object], *, command: str = "devctl up"
) -> InterruptedByUser:
    """Says what runs now: a command that did not finish leaves that as it is. `result`: what else is known; `command`: what
    continues it."""
    state = what_runs(box, project)
    if state is None:
        return InterruptedByUser(result=dict(result))
    hint = (
        f"{command} continues, devctl down removes what is running"
        if state.running
        else f"{command} starts again"
    )
    return InterruptedByUser(
        f"interrupted; {state.still_runs}", hint=hint, result={**result, **state.as_json()}
    )
