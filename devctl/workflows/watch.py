"""The watcher: an event is a hint, the fingerprint decides; one rebuild at a time, the rest is looked at afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from devctl.domain.events import DepsChanged, DepsFailed, DepsRebuilt, Outcome
from devctl.domain.observed import DEPS_LABEL, MODE_LABEL
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.requests import WatchRequest
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.load import load
from devctl.workflows.manifests import changes_since, manifest_paths
from devctl.workflows.reloads import follow_reloads
from devctl.workflows.session import RECIPE_FILES, Session, open_session
from devctl.workflows.snapshot import note_old
from devctl.workflows.steps import Steps
from devctl.workflows.transaction import replace_service
from devctl.workflows.watcher_process import LOCK

LOCK_WAIT = 600.0
PROBE_TIMEOUT = 60.0
MODEL_FILES = (
    "devctl.yaml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml",
    "compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml", ".env",
)  # fmt: skip


def watch_daemon(request: WatchRequest, box: Toolbox) -> Outcome:
    """The background watcher: lives until it is told to end, or its project is gone."""
    project = load(box, request.project)
    with holding(box, project) as mine:
        if mine:
            with contextlib.suppress(InterruptedByUser):
                watch(box, project, stop=lambda: not box.files.is_dir(Path(project.root)))
    return Outcome()


@contextlib.contextmanager
def holding(box: Toolbox, project: Project) -> Iterator[bool]:
    """Be this project's watcher; yields False where another one lives."""
    lock = box.files.state_dir(Path(project.root)) / LOCK
    with box.files.hold(lock, note=str(box.host.pid())) as mine:
        yield mine


def watch(box: Toolbox, project: Project, *, stop: Callable[[], bool]) -> None:
    """Until `stop` says so: rebuild what changed, tell reloads. Raises InterruptedByUser on Ctrl-C."""
    ended = threading.Event()
    followers = [
        threading.Thread(target=follow_reloads, args=(box, project, service, ended.is_set), daemon=True)
        for service in project.services
    ]
    for follower in followers:
        follower.start()
    try:
        catch_up(box, project)
        paths = watched_paths(box, project)
        for batch in box.watcher.batches(paths, stop=stop):
            if batch:
                catch_up(box, project)
    finally:
        ended.set()


def watched_paths(box: Toolbox, project: Project) -> tuple[Path, ...]:
    """Every input but the source, which is air's: manifests, recipe, model."""
    root = Path(project.root)
    names = [*MODEL_FILES]
    for service in project.services:
        names += manifest_paths(box, project, service)
        names += [f"{service.context}/{name}" for name in RECIPE_FILES]
        names += [service.dockerfile] if service.dockerfile else []
    return tuple(dict.fromkeys((root / name) for name in names))


def catch_up(box: Toolbox, known: Project) -> None:
    """Compare every running dev service with what the files say now, and bring it there."""
    root = Path(known.root)
    with box.files.lock(root, command="watch", timeout=LOCK_WAIT):
        try:
            project = load(box, root)
            session = open_session(box, project, mode="dev", only=_in_dev(box, known))
        except DevctlError as error:
            _say_failed(box, known, [s.name for s in known.services if s.name in _in_dev(box, known)], error)
            return
        for service in project.services:
            if any(s.service == service.name for s in session.plan()):
                _replace(box, session, service)


def _in_dev(box: Toolbox, project: Project) -> list[str]:
    observed = box.engine.containers(project.name)
    return [
        s.name
        for s in project.services
        if (c := observed.of(s.name)) is not None
        and c.state == "running"
        and c.labels.get(MODE_LABEL) == "dev"
    ]


def _replace(box: Toolbox, session: Session, service: Service) -> None:
    project = session.project
    began = box.clock.monotonic()
    wanted = next((w for w in session.wanted if w.service == service.name), None)
    found = session.observed.of(service.name)
    if wanted is None or found is None:
        return
    deps_changed = found.labels.get(DEPS_LABEL) != wanted.deps
    if deps_changed:
        box.reporter.emit(DepsChanged(service.name, changes_since(box, project, service)))
    try:
        replace_service(box, session, service, Steps(box), timeout=PROBE_TIMEOUT)
    except InterruptedByUser:
        raise
    except DevctlError as error:
        _say_failed(box, project, [service.name], error)
        return
    if deps_changed:
        ms = round((box.clock.monotonic() - began) * 1000)
        box.reporter.emit(DepsRebuilt(service.name, ms))


def _say_failed(box: Toolbox, project: Project, services: list[str], error: DevctlError) -> None:
    message = f"{error.problem.message}\n{error.detail}".strip()
    for name in services:
        note_old(box, project, name, error.problem.message)
        box.reporter.emit(DepsFailed(name, message))
