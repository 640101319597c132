"""One round of the watcher: what the files say now against what runs, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Collection

from devctl.domain.command.events import DepsChanged, DepsFailed, DepsRebuilt, LogLine
from devctl.domain.command.requests import LOCK_TIMEOUT, PROBE_TIMEOUT
from devctl.domain.compose.replicas import runs_none
from devctl.domain.plan.engine_state import DEPS_LABEL, Observed
from devctl.domain.plan.planner import REDEFINED
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import ServingNote
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.dev.compile_check import build_again
from devctl.workflows.dev.replace import Superseded, replace_service
from devctl.workflows.dev.rights_review import held_back, new_mirror, refuse_new_labels
from devctl.workflows.project.approved_inputs import UP, HeldBack
from devctl.workflows.project.load import load
from devctl.workflows.session.manifests import changes_since, remember_manifest
from devctl.workflows.session.session import Session, open_session
from devctl.workflows.session.steps import Steps, only_warned
from devctl.workflows.state.snapshot import note_old
from devctl.workflows.switch.lock import locked

AWAY = ("engine-unreachable", "docker-missing", "project-locked")
"""Codes of what passes by itself: nothing in the project failed."""
_REDEFINED = f"{REDEFINED}; {UP}"


def catch_up(box: Toolbox, known: Project) -> tuple[Project, bool]:
    """Bring every service that runs in dev mode to what the files say; others are left alone.

    Returns the project as its files say (`known` if they cannot be understood, or wait for a person), and whether something
    failed. Raises MachineError if the engine is not reachable, Superseded if the files changed during a build.
    """
    with locked(box, known.root, command="watch", timeout=LOCK_TIMEOUT):
        try:
            project = load(box, known.root, unattended=True, known=known)
        except HeldBack as error:
            names = in_dev(known, box.engine.containers(known.name))
            return known, _say_held_back(box, known, names, error.problem.message)
        except DevctlError as error:
            names = in_dev(known, box.engine.containers(known.name))
            return known, _say_failed(box, known, names, error)
        observed = box.engine.observe(project.name)
        names = in_dev(project, observed)
        _say_former(box, known, project, [name for name in in_dev(known, observed) if name not in names])
        if not names:
            return project, False
        try:
            if (why := new_mirror(box.private, project)) is not None:
                return known, _say_held_back(box, project, names, why)
            project = resolve_bases(box, project, mode="dev", services=names, say=False)
            session = open_session(box, project, mode="dev", only=names, observed=observed)
        except DevctlError as error:
            if isinstance(error, InterruptedByUser) or error.code in AWAY:
                raise
            return project, _say_failed(box, project, names, error)
        _say_redefined(box, session)
        if (why := held_back(box.files, box.private, session, names)) is not None:
            return known, _say_held_back(box, project, names, why)
        failed = [name for name in names if not _bring(box, session, name)]
        _say_new(box, known, project)
        return project, bool(failed)


def in_dev(project: Project, observed: Observed) -> list[str]:
    """The services that run in dev mode: the watcher ignores prod mode, and what was stopped."""
    found = ((s.name, observed.of(s.name)) for s in project.services)
    return [
        name
        for name, c in found
        if c is not None and c.state in ("running", "restarting") and c.mode == "dev"
    ]


def _bring(box: Toolbox, session: Session, name: str) -> bool:
    """Whether the service now runs as wanted."""
    service = session.project.service(name)
    assert service is not None
    if not any(s.service == name for s in session.plan()):
        current(box, session.project, service)  # a change that failed was rolled back
        build_again(box.processes, session.observed.of(name))
        return True
    try:
        replace_running(
            box,
            session,
            service,
            Steps(box.reporter, box.clock),
            timeout=PROBE_TIMEOUT,
            judge=lambda: refuse_new_labels(box.engine, session, name),
        )
    except Superseded:
        raise
    except HeldBack as held:
        return not _say_held_back(box, session.project, [name], str(held))
    except DevctlError as error:
        return not _say_failed(box, session.project, [name], error)
    return True


def _say_former(box: Toolbox, known: Project, project: Project, services: list[str]) -> None:
    """Services that run, and that the files no longer have as Go services: a person's command replaces them."""
    for name in services:
        what = "no longer starts a Go program" if name in project.specs else "is no longer in the project"
        _say_held_back(box, known, [name], f"{name} {what}: {UP}")


def _say_new(box: Toolbox, known: Project, project: Project) -> None:
    """A round starts only what a service that it replaces needs."""
    new = [name for name in project.specs if name not in known.specs]
    running = box.engine.containers(project.name) if new else None
    for name in new:
        if running is not None and running.of(name) is None and not runs_none(project.spec(name)):
            said = f"watcher: {name} is new in the project: `devctl up` starts it"
            box.reporter.emit(LogLine("devctl", "stderr", said))


def _say_redefined(box: Toolbox, session: Session) -> None:
    """Dependencies whose definition changed: what stops a database for a moment is a person's command."""
    found = ((name, session.observed.of(name)) for name in session.redefined)
    waiting = [name for name, c in found if c is not None and c.mode is None]
    with only_warned(box.reporter):
        _say_held_back(box, session.project, waiting, _REDEFINED)
    others_current(box, session.project, waiting)


def others_current(box: Toolbox, project: Project, waiting: Collection[str]) -> None:
    """The dependencies but these are what the files say."""
    with only_warned(box.reporter):
        for name, noted in box.state.read(project.root, ServingNote).old.items():
            if noted.reason == _REDEFINED and name not in waiting:
                note_old(box, project, name, None)


def current(box: Toolbox, project: Project, service: Service) -> None:
    """What runs is what the files say: nothing is old any more, and the next change is compared with these files."""
    note_old(box, project, service.name, None)
    remember_manifest(box, project, service)


def replace_running(
    box: Toolbox,
    session: Session,
    service: Service,
    steps: Steps,
    *,
    timeout: float,
    assemble: bool = False,
    judge: Callable[[], None] = lambda: None,
) -> None:
    """The transaction, reported in words; raises what `replace_service` raises."""
    began = box.clock.monotonic()
    wanted = session.wanted_of(service.name)
    found = session.observed.of(service.name)
    deps_changed = found is not None and found.labels.get(DEPS_LABEL) != wanted.deps
    if deps_changed:
        box.reporter.emit(DepsChanged(service.name, changes_since(box, session.project, service)))
    replace_service(box, session, service, steps, timeout=timeout, assemble=assemble, judge=judge)
    if deps_changed:
        ms = round((box.clock.monotonic() - began) * 1000)
        debugging = session.run(service.name).debugging
        waits = debugging.address if debugging is not None and debugging.waits else None
        box.reporter.emit(DepsRebuilt(service.name, ms, waits))


def _say_held_back(box: Toolbox, project: Project, services: Collection[str], why: str) -> bool:
    """Once for each change; not a failure that a save could fix."""
    known = box.state.read(project.root, ServingNote).old
    for name in services:
        if name not in known or known[name].reason != why:
            note_old(box, project, name, why)
            box.reporter.emit(DepsFailed(name, why))
    return False


def _say_failed(box: Toolbox, project: Project, services: list[str], error: DevctlError) -> bool:
    if isinstance(error, InterruptedByUser) or error.code in AWAY:
        raise error
    if not box.files.is_dir(project.root):
        return True  # none of it is recreated
    message = f"{error.problem.message}\n{error.detail}".strip()
    for name in services:
        note_old(box, project, name, error.problem.message)
        box.reporter.emit(DepsFailed(name, message))
    return True
