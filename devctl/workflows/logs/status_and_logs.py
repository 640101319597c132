"""status and logs: reading only, never waiting for the project's lock."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from devctl.domain.command.events import Outcome
from devctl.domain.command.moments import moment
from devctl.domain.command.requests import LogsRequest, StatusRequest
from devctl.domain.command.state import Serving, State
from devctl.domain.plan.planner import Step
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import FilesError, InterruptedByUser, UsageError, lost_interruption
from devctl.workflows.logs.follow import follow_services
from devctl.workflows.logs.on_disk import differs_from_disk
from devctl.workflows.project.load import load
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.session.steps import check_services, plan_outcome
from devctl.workflows.state.snapshot import snapshot


def status(request: StatusRequest, box: Toolbox) -> Outcome:
    if request.dry_run:
        return plan_outcome([])
    broken = None
    try:
        project = load(box, request.project)
    except (FilesError, UsageError) as error:
        broken = error.problem.message
        project = load(box, request.project, lenient=True)
    observed = own_containers(box.files, box.engine, project)
    state = snapshot(box, project, observed=observed)
    if state.serving.state == "current":
        other = broken or differs_from_disk(box, project, observed)
        state = replace(state, serving=Serving("old", other)) if other else state
    text = status_text(project, state)
    if request.verbose:
        text = "\n".join([text, *_disk_text(box.engine.disk_use())])
    return Outcome(result=state.as_json(), text=text)


def _disk_text(use: Mapping[str, str]) -> list[str]:
    """The engine does not separate the build cache by project."""
    said = ", ".join(f"{what.lower()} {size}" for what, size in use.items())
    return [f"the engine's disk usage, all projects: {said}"] if said else []


def status_text(project: Project, state: State) -> str:
    pid = f" (pid {state.watcher.pid})" if state.watcher.pid is not None else ""
    serving = state.serving.state + (f": {state.serving.reason}" if state.serving.reason else "")
    lines = [f"{project.name}  mode {state.mode}, serving {serving}, watcher {state.watcher.state}{pid}"]
    for s in state.services:
        health = "" if s.health == "none" else f" ({s.health})"
        lines.append(
            f"  {s.name:<12} {s.mode or s.kind:<10} {s.shown}{health}  {s.url or ''}{s.debugged}".rstrip()
        )
    return "\n".join(lines)


def logs(request: LogsRequest, box: Toolbox) -> Outcome:
    """Container output; with --json also the background watcher's events."""
    try:
        return _logs(request, box)
    except BaseException as error:
        interrupted = isinstance(error, InterruptedByUser) or lost_interruption(error)
        if not (interrupted and request.follow) or request.dry_run:
            raise
    return Outcome()  # Ctrl-C is the normal end of following, from its first moment on


def _logs(request: LogsRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project, lenient=True)
    # Even if the files cannot be read, what runs still has names.
    running = (
        {c.service for c in own_containers(box.files, box.engine, project).containers}
        if not project.services
        else frozenset[str]()
    )
    check_services(project, [name for name in request.services if name not in running])
    names = list(request.services)
    since = _since(request, box.clock.now())
    if request.dry_run:
        return plan_outcome([Step("logs", name, "requested") for name in names])
    follow_services(box, project, request, since=since)
    return Outcome()


def _since(request: LogsRequest, now: float) -> float | None:
    if request.since is None:
        return None
    try:
        return moment(request.since, now=now)
    except ValueError as error:
        raise UsageError(f"--since {error}", code="usage", hint="devctl logs --since 10m") from None
