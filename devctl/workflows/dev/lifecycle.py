"""up, down, restart, rebuild: load → observe → plan → execute → result."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from devctl.domain.command.events import Outcome, Planned
from devctl.domain.command.requests import (
    ChangeRequest,
    DownRequest,
    RebuildRequest,
    RestartRequest,
    UpRequest,
)
from devctl.domain.command.state import ServiceState, State, ready_text
from devctl.domain.plan.engine_state import MODE_LABEL
from devctl.domain.plan.planner import Step, plan_text
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import dockerfile_copy
from devctl.errors import DevctlError, InterruptedByUser, MachineError, UsageError
from devctl.workflows.advice.advice import advise_on_change, require_compiler
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.bases.needed import ensure_bases
from devctl.workflows.dev.compile_check import lacks_module, run_again
from devctl.workflows.dev.replace import replace_service
from devctl.workflows.dev.unchanged import note_up
from devctl.workflows.dev.watch import watched_paths
from devctl.workflows.dev.watch_round import current, in_dev, others_current, replace_running
from devctl.workflows.engine.build_all import build_all
from devctl.workflows.engine.compiler_cache import ensure_cache
from devctl.workflows.engine.debugger import ensure_debugger
from devctl.workflows.engine.execute import build, must, tell_kills
from devctl.workflows.engine.former_services import remove_former
from devctl.workflows.engine.network_holder import end_holder
from devctl.workflows.engine.pull import pull_missing
from devctl.workflows.project.dev_stage_fallback import give_way, note_debugged, noted_debugged, try_again
from devctl.workflows.project.find import named
from devctl.workflows.project.load import load
from devctl.workflows.ready.dependencies import start_in_order
from devctl.workflows.ready.exited import say_ended_dependencies, with_ended_dependency
from devctl.workflows.ready.wait import wait_ready
from devctl.workflows.session.far_engine import refuse_far_engine
from devctl.workflows.session.host_ports import lost_to_another
from devctl.workflows.session.name_conflict import own_containers, refuse_anothers
from devctl.workflows.session.session import Session, open_session, write_overlay
from devctl.workflows.session.startable import check_startable
from devctl.workflows.session.steps import Steps, beside, check_services, looking, plan_outcome
from devctl.workflows.state.interrupted import interrupted
from devctl.workflows.state.last_build import exit_code
from devctl.workflows.state.snapshot import snapshot, what_runs
from devctl.workflows.state.watcher_process import ensure_watcher, stop_watcher
from devctl.workflows.switch.applied_model import forget_applied, keep_applied, keep_running
from devctl.workflows.switch.lock import changing
from devctl.workflows.switch.switch import removal, stopping, switching

PORT_TRIES = 3
"""How often `up` chooses another host port if the one it chose is taken before the container has it."""


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod; returns once it answers."""
    return brought_up(request, box)[1]


def brought_up(request: UpRequest, box: Toolbox) -> tuple[Project, Outcome]:
    """The same, and the project. Unless the request detaches, nobody watches it then: the caller is to."""
    with box.files.recording(), changing(box, request, "up") as found:
        names = check_services(found, request.services) or [s.name for s in found.services]
        refuse_far_engine(box.engine, found)
        noted = noted_debugged(box.private, found.root)
        loaded = found if request.dry_run else debugging_these(box, found, noted - set(names))
        with looking(box.reporter, box.clock, "base images"):
            project = resolve_bases(
                box,
                loaded,
                mode="dev",
                dry_run=request.dry_run,
                assemble=request.yes,
                services=request.services,
            )
        if request.dry_run:
            session = open_session(box, project, mode="dev", only=request.services, debugged=request.debugged)
            return project, plan_outcome(session.plan())
        outcome = up_locked(request, box, project)
        if not request.detach:
            stop_watcher(box, project)
        return project, outcome


def debugging_these(box: Toolbox, project: Project, services: Collection[str]) -> Project:
    """The project while exactly these services are debugged."""
    changed = False
    with suppress(MachineError):  # no home to write to: then no stage of the user's is replaced
        changed = note_debugged(box.private, project.root, services)
    return load(box, project.root) if changed else project


def up_locked(request: UpRequest, box: Toolbox, project: Project) -> Outcome:
    """The services that the request names; the project's lock is held."""
    began = box.clock.monotonic()
    steps = Steps(box.reporter, box.clock)
    command = " ".join(["devctl debug", *request.services] if request.debugged else ["devctl up"])
    try:
        with _naming_what_exited(box, project):
            state = _bring_up(request, box, project, steps)
    except KeyboardInterrupt:
        raise interrupted(box, project, {"steps": steps.as_json()}, command=command) from None
    except InterruptedByUser as error:
        raise interrupted(box, project, {"steps": steps.as_json()}, command=command) from error
    except DevctlError as error:
        with beside(box.reporter, "starting the watcher"):
            mine = own_containers(box.files, box.engine, project)
            stays = any(mine.of(s.name) is not None for s in project.services)
            if request.watch and request.detach and stays:
                ensure_watcher(box, project)
        raise _with_what_stays(box, project, steps, error) from error
    if not request.services:
        note_up(
            box,
            project,
            state,
            tuple(named(project.root, p) for p in watched_paths(box.files, project)),
        )
    ready_ms = round((box.clock.monotonic() - began) * 1000)
    result = {**state.as_json(), "ready_ms": ready_ms, "steps": steps.as_json()}
    return Outcome(result=result, text=ready_text(state, ready_ms, did=bool(steps.done)))


def _with_what_stays(box: Toolbox, project: Project, steps: Steps, error: DevctlError) -> DevctlError:
    """The error with the current state; for a service that did not become ready it says what is kept, and what happens next."""
    message, result = error.problem.message, dict[str, object](steps=steps.as_json())
    state = what_runs(box, project)
    if state is not None:
        result |= state.as_json()
        mine = next((s for s in state.services if s.name == steps.failed and s.container is not None), None)
        if mine is not None and steps.failed_step == "probe":
            message = f"{message}; {_what_stays(mine, state, steps)}"
    result |= {"log": error.detail.splitlines()} if error.detail else {}
    return error.replace(message=message, result=result)


def _what_stays(service: ServiceState, state: State, steps: Steps) -> str:
    if any(step.step == "restore" and step.service == service.name for step in steps.done):
        return "the previous container is running again"
    if service.state != "running":
        return f"its container is kept ({service.state}); devctl up starts it again"
    stay = (
        "the container and the watcher keep running"
        if state.watcher.state == "running"
        else "the container keeps running"
    )
    return f"{stay}: the next save tries again, devctl down stops them"


def _bring_up(
    request: UpRequest,
    box: Toolbox,
    project: Project,
    steps: Steps,
    *,
    advised: bool = False,
    port_tries: int = PORT_TRIES,
) -> State:
    """Whatever already runs in dev mode is replaced the way the watcher does it: it serves until its successor is proven."""
    with looking(box.reporter, box.clock, "desired and current state"):
        session = open_session(box, project, mode="dev", only=request.services, debugged=request.debugged)
        if not advised:
            advise_on_change(box, session)
    wanted = [s for s in project.services if any(w.service == s.name for w in session.wanted)]
    running = [s for s in wanted if s.name in set(session.starting) & set(in_dev(project, session.observed))]
    # What a new version calls may be as new: a database that was added with it.
    asleep = [name for name in session.starting if project.service(name) is None]
    if running and asleep:
        beside = open_session(box, project, mode="dev", only=asleep, observed=session.observed)
        run_plan(box, beside, steps, request)
    for service in running:
        replace_running(box, session, service, steps, timeout=request.timeout, assemble=request.yes)
    if running:
        session = open_session(box, project, mode="dev", only=request.services, debugged=request.debugged)
    try:
        run_plan(box, session, steps, request)
    except DevctlError as error:
        chosen = {run.service: run.host_port for run in session.runs}
        if port_tries and lost_to_another(project, error, chosen=chosen):
            return _bring_up(request, box, project, steps, advised=True, port_tries=port_tries - 1)
        project = give_way(box, project, steps.failed, error)
        services = request.services
        project = resolve_bases(box, project, mode="dev", assemble=request.yes, say=False, services=services)
        return _bring_up(request, box, project, steps, advised=True, port_tries=port_tries)
    with looking(box.reporter, box.clock, "current state"):
        for service in wanted:
            current(box, project, service)
        others_current(box, project, set(session.redefined) - set(session.starting))
        keep_running(box.state, box.private, session, [s.name for s in wanted])
        keep_applied(box, session, [s.name for s in wanted])
        if request.watch and request.detach:
            ensure_watcher(box, project)
        say_ended_dependencies(box.reporter, box.engine, project)
        state = snapshot(box, project)
    if state.serving.state != "none":
        return state
    for service in wanted:
        _serve_again(box, project, service, steps, timeout=request.timeout)
    return snapshot(box, project)


def _serve_again(box: Toolbox, project: Project, service: Service, steps: Steps, *, timeout: float) -> None:
    """Its container runs as wanted, but its program exited, since something was missing that may be there now; or the container
    was created while the project's folder was moved or deleted, and has the empty folder that the engine made in its place."""
    container = box.engine.containers(project.name).of(service.name)
    since = ""
    if container is not None and exit_code(box.engine, container.id) is not None:
        with steps.step("restart", "its program exited", service=service.name):
            now = f"{box.clock.now():.6f}"
            since = now if run_again(box.processes, container) else ""
    elif container is not None and lacks_module(box.processes, container, service):
        with steps.step("restart", "it does not see your source", service=service.name):
            must(box.compose.restart(project.name, project.root, [service.name]), "compose")
    with steps.step("probe", "must answer", service=service.name):
        wait_ready(box, project.name, service, timeout=timeout, since=since)


def run_plan(box: Toolbox, session: Session, steps: Steps, request: ChangeRequest) -> tuple[Step, ...]:
    """Execute the session's plan: bases, builds, starts, probes."""
    plan = session.plan()
    box.reporter.emit(Planned(plan_text(plan)))
    if not plan:
        return plan
    builds = {s.service or "": s.cause for s in plan if s.step == "build"}
    names = list(dict.fromkeys(s.service or "" for s in plan if s.step in ("build", "start", "restart")))
    with switching(box, session, steps, names, timeout=request.timeout) as switch:
        check_startable(box, session)
        out = pull_missing(box, session, steps, timeout=request.compose_timeout)
        write_overlay(box.files, box.state, session)
        builds = {name: cause for name, cause in builds.items() if name not in out}
        if builds:
            ensure_bases(box, session, list(builds), assemble=request.yes)
            require_compiler(box, session, list(builds))
        out |= build_all(box, session, steps, builds)
        ensure_cache(box, session, steps)
        ensure_debugger(box, session, steps)
        remove_former(box, session, steps)
        starts = [s for s in plan if s.service not in out]
        start(box, session, steps, starts, timeout=request.compose_timeout)
        switch.stays()
        for step in (s for s in plan if s.step == "probe"):
            service = session.project.service(step.service or "")
            if service is not None:
                with steps.step("probe", step.cause, service=step.service):
                    wait_ready(box, session.project.name, service, timeout=request.timeout)
    return plan


def start(box: Toolbox, session: Session, steps: Steps, plan: Sequence[Step], *, timeout: float) -> None:
    """Everything that starts, in order. Then what has to be restarted."""
    starts = [s for s in plan if s.step == "start"]
    if starts:
        _compose_starts(box, session, steps, starts, timeout=timeout)
    for again in (s for s in plan if s.step == "restart"):
        with steps.step("restart", again.cause, service=again.service):
            names = [again.service or ""]
            must(box.compose.restart(session.project.name, session.root, names, timeout=timeout), "compose")


def _compose_starts(
    box: Toolbox, session: Session, steps: Steps, starts: Sequence[Step], *, timeout: float
) -> None:
    names = [s.service or "" for s in starts]
    cause = "; ".join(dict.fromkeys(s.cause for s in starts))
    start_in_order(box, session, names, steps, step="start", cause=cause, timeout=timeout)
    keep_applied(box, session, names)


def down(request: DownRequest, box: Toolbox) -> Outcome:
    """Stop and remove the services and the watcher; keep volumes and shared caches. Works even with broken files."""
    agreed = _volumes_agreed_to_lose(request, box)
    with changing(box, request, "down", lenient=True, recovers=False) as project:
        observed = box.engine.observe(project.name)
        refuse_anothers(box.files, project, observed)
        removed = [{"kind": "container", "name": c.name} for c in observed.containers]
        removed += [{"kind": "network", "name": name} for name in observed.networks]
        if request.volumes:
            removed += [{"kind": "volume", "name": name} for name in observed.volumes]
        if request.dry_run:
            return plan_outcome([Step("remove", None, f"{r['kind']} {r['name']}") for r in removed])
        if agreed is not None and (more := sorted(set(observed.volumes) - agreed)):
            raise UsageError(
                f"another command created {', '.join(more)} before down could begin; nothing was removed",
                code="consent-missing",
                hint="devctl down --volumes asks again",
            )
        stop_watcher(box, project)
        with removal(box, project, observed):
            if removed:
                root, timeout = project.root, request.compose_timeout
                with Steps(box.reporter, box.clock).step("stop", "requested"):
                    end_holder(box.processes, project.name)
                    must(
                        box.compose.down(project.name, root, volumes=request.volumes, timeout=timeout),
                        "compose",
                    )
                tell_kills(box.reporter, box.state, project, [s.name for s in project.services])
            forget_applied(box.private, project)
    lines = [f"removed {r['kind']} {r['name']}" for r in removed]
    return Outcome(result={"removed": removed}, text="\n".join(lines) or "nothing was running")


def restart(request: RestartRequest, box: Toolbox) -> Outcome:
    with changing(box, request, "restart") as project:
        names = check_services(project, request.services) or [s.name for s in project.services]
        if request.dry_run:
            return plan_outcome([Step("restart", name, "requested") for name in names])
        steps = Steps(box.reporter, box.clock)
        if not own_containers(box.files, box.engine, project).containers:
            raise UsageError(
                "nothing is running here, so there is nothing to restart",
                code="not-running",
                hint="devctl up -d",
            )
        root, timeout = project.root, request.compose_timeout
        _write_lost_overlay(box, project, names)
        with stopping(box, project, steps, own_containers(box.files, box.engine, project), names) as pause:
            with steps.step("restart", "requested"):
                must(box.compose.restart(project.name, root, names, timeout=timeout), "compose")
            tell_kills(box.reporter, box.state, project, names)
            pause.stays()
            try:
                with _naming_what_exited(box, project):
                    _must_answer(box, project, names, steps, timeout=request.timeout)
            except DevctlError as error:
                raise _with_what_stays(box, project, steps, error) from error
        state = snapshot(box, project)
    return Outcome(
        result={**state.as_json(), "steps": steps.as_json()}, text=ready_text(state, None, did=True)
    )


@contextmanager
def _naming_what_exited(box: Toolbox, project: Project) -> Iterator[None]:
    """What a service exited for may be a dependency that exited before it."""
    try:
        yield
    except DevctlError as error:
        told = error
        with beside(box.reporter, "looking for the dependency that exited"):
            told = with_ended_dependency(box.engine, project, error)
        if told is error:
            raise
        raise told from error


def _write_lost_overlay(box: Toolbox, project: Project, names: Sequence[str]) -> None:
    """`.devctl/` may be deleted at any time, and air reads its settings there when its container starts again."""
    own = own_containers(box.files, box.engine, project).containers
    dev = [c.service for c in own if c.service in names and c.labels.get(MODE_LABEL) == "dev"]
    lost = [name for name in dev if box.state.text(project.root, dockerfile_copy(name)) is None]
    if lost:
        known = resolve_bases(box, project, mode="dev", services=lost)
        write_overlay(box.files, box.state, open_session(box, known, mode="dev", only=lost))


def rebuild(request: RebuildRequest, box: Toolbox) -> Outcome:
    """A new deps layer even if nothing changed, and another try for a dev stage that was replaced."""
    with changing(box, request, "rebuild") as loaded:
        names = check_services(loaded, request.services) or [s.name for s in loaded.services]
        if request.dry_run:
            return plan_outcome(
                [Step(step, name, "requested") for name in names for step in ("build", "start", "probe")]
            )
        steps = Steps(box.reporter, box.clock)
        with looking(box.reporter, box.clock, "desired and current state"):
            again = load(box, loaded.root) if try_again(box.private, loaded.root, names) else loaded
            project = resolve_bases(box, again, mode="dev", assemble=request.yes, services=names)
            session = open_session(box, project, mode="dev", only=names)
        for service in (s for s in project.services if s.name in names):
            with _naming_what_exited(box, project):
                replace_service(
                    box, session, service, steps, timeout=request.timeout, assemble=request.yes, anew=True
                )
        others = [n for n in names if project.service(n) is None]
        _rebuild_dependencies(box, session, steps, others, timeout=request.compose_timeout)
        keep_applied(box, session, names)
        state = snapshot(box, project)
    return Outcome(
        result={**state.as_json(), "steps": steps.as_json()}, text=ready_text(state, None, did=True)
    )


def _rebuild_dependencies(
    box: Toolbox, session: Session, steps: Steps, names: Sequence[str], *, timeout: float
) -> None:
    if not names:
        return
    with switching(box, session, steps, names):
        check_startable(box, session)
        write_overlay(box.files, box.state, session)
        for name in names:
            with steps.step("build", "requested", service=name):
                build(box, session, name, anew=True)
        ensure_cache(box, session, steps)
        starts = [Step("start", name, "new image") for name in names]
        start(box, session, steps, starts, timeout=timeout)


def _must_answer(
    box: Toolbox, project: Project, names: Sequence[str], steps: Steps, *, timeout: float
) -> None:
    for name in names:
        service = project.service(name)
        if service is not None:
            with steps.step("probe", "until it answers", service=name):
                wait_ready(box, project.name, service, timeout=timeout)


def _volumes_agreed_to_lose(request: DownRequest, box: Toolbox) -> frozenset[str] | None:
    """The volumes whose data somebody agreed to lose; None if none is lost, or all of them were agreed to.

    Asked before the lock is taken: a question may stay open for hours. Raises unless somebody agrees; without a terminal
    nobody does, whether there are volumes today or not (docs/reference/behaviour.md).
    """
    if request.dry_run or request.yes or not request.volumes:
        return None
    project = load(box, request.project, lenient=True)
    observed = box.engine.observe(project.name)
    refuse_anothers(box.files, project, observed)
    volumes = ", ".join(observed.volumes)
    if box.host.interactive() and (not volumes or box.host.confirm(f"delete the data of {volumes}?")):
        return frozenset(observed.volumes)
    raise UsageError(
        f"down --volumes deletes data: {volumes or 'every volume of this project (there is none now)'}",
        code="consent-missing",
        hint="devctl down --volumes --yes",
    )
