"""up, down, restart, rebuild: load → observe → plan → execute → result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from devctl.domain.events import Outcome, Planned
from devctl.domain.overlay import OVERLAY
from devctl.domain.planner import Step, plan_text
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.requests import DownRequest, RebuildRequest, RestartRequest, UpRequest
from devctl.domain.state import State
from devctl.errors import DevctlError, InterruptedByUser, UsageError
from devctl.workflows.advice import advise_on_change, require_compiler
from devctl.workflows.bases_needed import ensure_bases
from devctl.workflows.catch_up import current, in_dev, replace_running
from devctl.workflows.ended import tell_ended_dependency
from devctl.workflows.execute import build, build_all, compose_up, must
from devctl.workflows.go_bases import settle
from devctl.workflows.load import load
from devctl.workflows.owner import own_containers, refuse_anothers
from devctl.workflows.ready import wait_ready
from devctl.workflows.session import MODEL, Session, open_session, write_overlay
from devctl.workflows.snapshot import ready_text, snapshot
from devctl.workflows.stage_notes import give_way
from devctl.workflows.steps import Steps
from devctl.workflows.unchanged import note_up
from devctl.workflows.watch import watched_paths
from devctl.workflows.watcher_process import ensure_watcher, stop_watcher


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod."""
    project = load(box, request.project)
    check_services(project, request.services)
    project = settle(
        box,
        project,
        mode="dev",
        dry_run=request.dry_run,
        assemble=request.yes,
        services=request.services,
    )
    if request.dry_run:
        plan = open_session(box, project, mode="dev", only=request.services).plan()
        return plan_outcome(plan)
    with box.files.lock(Path(project.root), command="up", timeout=request.lock_timeout):
        outcome = _up_locked(request, box, project)
    if not request.detach:
        from devctl.workflows.foreground import stay

        return stay(request, box, project, outcome)
    return outcome


def _up_locked(request: UpRequest, box: Toolbox, project: Project) -> Outcome:
    began = box.clock.monotonic()
    steps = Steps(box)
    try:
        state = _bring_up(request, box, project, steps)
    except KeyboardInterrupt:
        raise _interrupted(box, project, steps) from None
    except InterruptedByUser as error:
        raise _interrupted(box, project, steps) from error
    except DevctlError as error:
        tell_ended_dependency(box, project, error)
        if request.watch and request.detach and _has_container(box, project):
            ensure_watcher(box, project)
        error.result = {**snapshot(box, project).as_json(), "steps": steps.done}
        error.result |= {"log": error.detail.splitlines()} if error.detail else {}
        raise
    if not request.services:
        note_up(
            box, project, state, tuple(str(p.relative_to(project.root)) for p in watched_paths(box, project))
        )
    ready_ms = round((box.clock.monotonic() - began) * 1000)
    result = {**state.as_json(), "ready_ms": ready_ms, "steps": steps.done}
    return Outcome(result=result, text=ready_text(state, ready_ms, did=bool(steps.done)))


def _bring_up(request: UpRequest, box: Toolbox, project: Project, steps: Steps) -> State:
    """What runs in dev mode already is replaced as the watcher does it: it serves until its successor is proven."""
    session = open_session(box, project, mode="dev", only=request.services)
    advise_on_change(box, session)
    wanted = [s for s in project.services if any(w.service == s.name for w in session.wanted)]
    starting = {s.service for s in session.plan() if s.step == "start"}
    running = [s for s in wanted if s.name in starting & set(in_dev(project, session.observed))]
    for service in running:
        replace_running(box, session, service, steps, timeout=request.timeout, assemble=request.yes)
    if running:
        session = open_session(box, project, mode="dev", only=request.services)
    try:
        run_plan(box, session, steps, assemble=request.yes, timeout=request.timeout)
    except DevctlError as error:
        project = give_way(box, project, steps.failed, error)
        services = request.services
        project = settle(box, project, mode="dev", assemble=request.yes, say=False, services=services)
        return _bring_up(request, box, project, steps)
    for service in wanted:
        current(box, project, service)
    if request.watch and request.detach:
        ensure_watcher(box, project)
    state = snapshot(box, project)
    for service in wanted if state.serving.state == "none" else ():
        wait_ready(box, project.name, service, timeout=request.timeout)
    return state if state.serving.state != "none" else snapshot(box, project)


def _interrupted(box: Toolbox, project: Project, steps: Steps) -> InterruptedByUser:
    """Says what still runs: an `up` that did not end leaves it as it is."""
    state = snapshot(box, project)
    running = [s.name for s in state.services if s.state == "running"]
    return InterruptedByUser(
        f"interrupted; {', '.join(running)} still runs" if running else "interrupted; nothing runs",
        code="interrupted",
        hint="devctl up goes on, devctl down ends what runs",
        result={**state.as_json(), "steps": steps.done},
    )


def run_plan(
    box: Toolbox, session: Session, steps: Steps, *, assemble: bool, timeout: float
) -> tuple[Step, ...]:
    """Execute the session's plan: bases, builds, starts, probes. `timeout`: seconds for each probe."""
    plan = session.plan()
    box.reporter.emit(Planned(plan_text(plan)))
    if not plan:
        return plan
    write_overlay(box, session)
    builds = {s.service or "": s.cause for s in plan if s.step == "build"}
    if builds:
        ensure_bases(box, session, steps, list(builds), assemble=assemble)
        require_compiler(box, session, list(builds))
    out = build_all(box, session, steps, builds)
    start(box, session, steps, [s for s in plan if s.service not in out])
    for step in (s for s in plan if s.step == "probe"):
        service = session.project.service(step.service or "")
        if service is not None:
            with steps.step("probe", step.cause, service=step.service):
                wait_ready(box, session.project.name, service, timeout=timeout)
    return plan


def start(box: Toolbox, session: Session, steps: Steps, plan: Sequence[Step]) -> None:
    """One `compose up` for all that starts: compose knows the order and the conditions."""
    starts = [s for s in plan if s.step == "start"]
    if not starts:
        return
    names = [s.service or "" for s in starts]
    alone = all(session.project.service(name) is not None for name in names)
    service = names[0] if len(names) == 1 else None
    with steps.step("start", "; ".join(dict.fromkeys(s.cause for s in starts)), service=service):
        compose_up(box, session, names, no_deps=alone)


def down(request: DownRequest, box: Toolbox) -> Outcome:
    """End services and watcher; keep volumes and shared caches. Works with files that are broken today."""
    project = load(box, request.project, lenient=True)
    observed = box.engine.observe(project.name)
    refuse_anothers(box, project, observed)
    removed = [{"kind": "container", "name": c.name} for c in observed.containers]
    removed += [{"kind": "network", "name": name} for name in observed.networks]
    if request.volumes:
        removed += [{"kind": "volume", "name": name} for name in observed.volumes]
    if request.dry_run:
        return plan_outcome([Step("remove", None, f"{r['kind']} {r['name']}") for r in removed])
    if request.volumes and not request.yes:
        _agreed_to_lose(box, observed.volumes)
    root = Path(project.root)
    with box.files.lock(root, command="down", timeout=request.lock_timeout):
        stop_watcher(box, project)
        if removed:
            must(box.compose.down(project.name, root, volumes=request.volumes), "compose")
    lines = [f"removed {r['kind']} {r['name']}" for r in removed]
    return Outcome(result={"removed": removed}, text="\n".join(lines) or "nothing was running")


def restart(request: RestartRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project)
    names = check_services(project, request.services) or [s.name for s in project.services]
    if request.dry_run:
        return plan_outcome([Step("restart", name, "asked for") for name in names])
    steps = Steps(box)
    with box.files.lock(Path(project.root), command="restart", timeout=request.lock_timeout):
        file = Path(project.root) / OVERLAY / MODEL
        if own_containers(box, project).containers == () or not box.files.exists(file):
            raise UsageError(
                "nothing runs here that could be restarted", code="not-running", hint="devctl up -d"
            )
        with steps.step("restart", "asked for"):
            must(box.compose.restart(file, names), "compose")
        for name in names:
            service = project.service(name)
            if service is not None:
                with steps.step("probe", "must answer", service=name):
                    wait_ready(box, project.name, service, timeout=request.timeout)
    state = snapshot(box, project)
    return Outcome(result={**state.as_json(), "steps": steps.done}, text=ready_text(state, None, did=True))


def rebuild(request: RebuildRequest, box: Toolbox) -> Outcome:
    """A new deps layer even when nothing changed."""
    project = load(box, request.project)
    names = check_services(project, request.services) or [s.name for s in project.services]
    if request.dry_run:
        return plan_outcome(
            [Step(step, name, "asked for") for name in names for step in ("build", "start", "probe")]
        )
    project = settle(box, project, mode="dev", assemble=request.yes, services=names)
    steps = Steps(box)
    with box.files.lock(Path(project.root), command="rebuild", timeout=request.lock_timeout):
        session = open_session(box, project, mode="dev", only=names)
        write_overlay(box, session)
        ensure_bases(box, session, steps, names, assemble=request.yes)
        for name in names:
            with steps.step("build", "asked for", service=name):
                build(box, session, name, no_cache=True)
        start(box, session, steps, [Step("start", name, "new image") for name in names])
        for name in names:
            service = project.service(name)
            if service is not None:
                with steps.step("probe", "must answer", service=name):
                    wait_ready(box, project.name, service, timeout=request.timeout)
    state = snapshot(box, project)
    return Outcome(result={**state.as_json(), "steps": steps.done}, text=ready_text(state, None, did=True))


def check_services(project: Project, names: Sequence[str]) -> list[str]:
    """The names as given, or UsageError `unknown-service` with those there are."""
    known = [*(s.name for s in project.services), *project.specs]
    for name in names:
        if name not in known:
            raise UsageError(
                f"no service {name!r} in this project",
                code="unknown-service",
                hint=f"one of: {', '.join(dict.fromkeys(known))}",
            )
    return list(names)


def plan_outcome(plan: Sequence[Step]) -> Outcome:
    return Outcome(result={"plan": [s.as_json() for s in plan]}, text=plan_text(plan))


def _has_container(box: Toolbox, project: Project) -> bool:
    return any(own_containers(box, project).of(s.name) is not None for s in project.services)


def _agreed_to_lose(box: Toolbox, volumes: Collection[str]) -> None:
    """Raise unless somebody agrees; without a terminal nobody does, whether there are volumes today or not (contract)."""
    if box.host.interactive() and (
        not volumes or box.host.confirm(f"delete the data of {', '.join(volumes)}?")
    ):
        return
    raise UsageError(
        f"down --volumes deletes data: {', '.join(volumes) or 'every volume of this project (there is none now)'}",
        code="consent-missing",
        hint="devctl down --volumes --yes",
    )
