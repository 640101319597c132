"""status and logs: reading only, never waiting for the project's lock."""

from __future__ import annotations

from devctl.domain.events import Outcome
from devctl.domain.planner import Step
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import LogsRequest, StatusRequest
from devctl.domain.state import State
from devctl.errors import InterruptedByUser
from devctl.workflows.follow import follow_services
from devctl.workflows.lifecycle import check_services, plan_outcome
from devctl.workflows.load import load
from devctl.workflows.snapshot import snapshot


def status(request: StatusRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project, lenient=True)
    if request.dry_run:
        return plan_outcome([])
    state = snapshot(box, project)
    return Outcome(result=state.as_json(), text=status_text(project, state))


def status_text(project: Project, state: State) -> str:
    watcher = f"running (pid {state.watcher.pid})" if state.watcher.state == "running" else "absent"
    serving = state.serving.state + (f": {state.serving.reason}" if state.serving.reason else "")
    lines = [f"{project.name}  mode {state.mode}, serving {serving}, watcher {watcher}"]
    for s in state.services:
        health = "" if s.health == "none" else f" ({s.health})"
        lines.append(f"  {s.name:<12} {s.mode or s.kind:<10} {s.state}{health}  {s.url or ''}".rstrip())
    return "\n".join(lines)


def logs(request: LogsRequest, box: Toolbox) -> Outcome:
    """Container output; with --json also what the background watcher tells."""
    project = load(box, request.project, lenient=True)
    names = check_services(project, request.services)
    if request.dry_run:
        return plan_outcome([Step("logs", name, "asked for") for name in names])
    try:
        follow_services(box, project, names, follow=request.follow, tail=request.tail, events=request.json)
    except (KeyboardInterrupt, InterruptedByUser):
        if not request.follow:
            raise
    return Outcome()  # Ctrl-C is the normal end of following
