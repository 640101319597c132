"""The `state` object: one look at the engine, combined with what a watcher learned if that still applies."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.state import Kind, ProjectMode, ServiceState, Serving, State
from devctl.domain.compose.depends_on import jobs
from devctl.domain.failures.places import telling_line
from devctl.domain.plan.engine_state import DEPS_LABEL, SERVICE_LABEL, Container, Observed
from devctl.domain.plan.planner import in_replaced_folder
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.container_files import BUILD_STATE
from devctl.domain.project.model import Project, ServedPort, Service
from devctl.domain.project.state_folder import OldCode, ServingNote
from devctl.workflows.ready.wait import address, answers
from devctl.workflows.session.name_conflict import only_own
from devctl.workflows.session.overlay import compiled
from devctl.workflows.session.steps import beside, only_warned
from devctl.workflows.state.last_build import exit_code, saved_since_build, waits_for_the_old_one
from devctl.workflows.state.watcher_process import watcher_state
from devctl.workflows.switch.intent import Intent, read_intent

LONGEST = 2_000
"""Characters of a reason: containers can write to the note."""


def snapshot(box: Toolbox, project: Project, *, observed: Observed | None = None) -> State:
    """`observed`: the containers, if they were just queried."""
    observed = only_own(box.files, project, observed or box.engine.containers(project.name))
    project = _with_labelled(project, observed)
    services = services_shown(box.engine, project, observed)
    return State(
        mode=mode_of(services),
        services=services,
        watcher=watcher_state(box, project.root),
        serving=_serving(box, project, observed),
    )


def services_shown(engine: Engine, project: Project, observed: Observed) -> tuple[ServiceState, ...]:
    """What the engine says about each, without asking the services themselves."""
    return tuple(_service(engine, project, observed, name) for name in _names(project, observed))


def what_runs(box: Toolbox, project: Project) -> State | None:
    """For an error that is being reported: None if the state cannot be determined either."""
    with beside(box.reporter, "looking at the current state"):
        return snapshot(box, project)
    return None


def _with_labelled(project: Project, observed: Observed) -> Project:
    """Broken files name no services; the labels of what runs still do."""
    found = [
        Service(name=c.service, serve=ServedPort(port=next(iter(c.ports), None), probe="tcp"))
        for c in observed.containers
        if c.labels.get(SERVICE_LABEL) == c.service and project.service(c.service) is None
    ]
    return replace(project, services=(*project.services, *found)) if found else project


def note_old(box: Toolbox, project: Project, service: str, reason: str | None) -> None:
    """Store (or, with None, remove) why a service serves old code."""
    container = box.engine.containers(project.name).of(service)
    with only_warned(box.reporter):
        old = {k: v for k, v in box.state.read(project.root, ServingNote).old.items() if k != service}
        if reason is not None and container is not None:
            old[service] = OldCode(container.id, reason)
        box.state.write(project.root, ServingNote(old))


def _names(project: Project, observed: Observed) -> list[str]:
    return list(
        dict.fromkeys(
            [*project.specs, *(s.name for s in project.services), *(c.service for c in observed.containers)]
        )
    )


def _service(engine: Engine, project: Project, observed: Observed, name: str) -> ServiceState:
    container, service = observed.of(name), project.service(name)
    kind: Kind = "service" if service is not None else "dependency"
    if container is None:
        return ServiceState(name=name, kind=kind)
    debugging = container.debugging if service is not None and container.state == "running" else None
    return ServiceState(
        name=name,
        kind=kind,
        state=container.state,
        health=container.health,
        mode=container.mode,
        url=url_of(container, service),
        image=container.image,
        image_id=container.image_id,
        container=container.id,
        deps=container.labels.get(DEPS_LABEL) if service is not None else None,
        finished=_has_finished(engine, project, container),
        debugger=debugging.address if debugging is not None else None,
        waits=debugging is not None and debugging.waits,
    )


def _has_finished(engine: Engine, project: Project, container: Container) -> bool:
    service = project.service(container.service)
    if service is None:
        return container.succeeded and container.service in jobs(project.specs)
    if not service.may_finish:
        return False
    if container.state == "running" and container.mode == "dev":
        return exit_code(engine, container.id) == 0
    return container.succeeded


def url_of(container: Container, service: Service | None) -> str | None:
    """The address of a service, which is not the debugger's."""
    port = service.port_in(container.mode) if service is not None else None
    debugger = container.debugging.port if container.debugging is not None else None
    first = next((it for it in container.ports if it != debugger), None)
    bound = container.published(port if port is not None else first)
    if bound is None or container.state != "running":
        return None
    scheme = "tcp" if service is None or port is None else "https" if service.serve.tls else "http"
    return f"{scheme}://{bound[0]}:{bound[1]}"


def mode_of(services: tuple[ServiceState, ...]) -> ProjectMode:
    modes = {
        s.mode
        for s in services
        if s.kind == "service" and s.state not in ("absent", "exited", "created", "dead")
    }
    if not modes:
        return "stopped"
    return modes.pop() or "mixed" if len(modes) == 1 else "mixed"


def _serving(box: Toolbox, project: Project, observed: Observed) -> Serving:
    """The worst of the services' answers: none before old before current."""
    intent = read_intent(box.private, project.root)
    found = [_serving_of(box, project, observed, s.name, intent) for s in project.services]
    order = {"none": 0, "old": 1, "current": 2}
    return min(found, key=lambda s: order[s.state]) if found else Serving("none", "no service")


def _serving_of(
    box: Toolbox, project: Project, observed: Observed, name: str, intent: Intent | None
) -> Serving:
    service, container = project.service(name), observed.of(name)
    if service is not None and container is not None and _is_done(service, container):
        return Serving("current", None)
    if service is None or container is None or container.state != "running":
        return Serving("none", f"{name} is not running{_unfinished(box.files, project, intent)}")
    if intent is not None and not intent.proven and intent.is_new(name, container.id):
        return Serving("none", f"{name} has not answered yet{_unfinished(box.files, project, intent)}")
    if in_replaced_folder(container, project.folder):
        # A label cannot be changed, so this also holds after `restart`, which mounts the new folder.
        reason = f"the project's folder was replaced after {name} was created; devctl up recreates it"
        return Serving("old", reason)
    where = address(service, container)
    broken = broken_build(box.engine, container) if container.mode == "dev" else None
    if where is None or not answers(box.prober, where):
        code = exit_code(box.engine, container.id)
        done = code == 0 and service.may_finish
        if code is not None and not done:
            return Serving("none", broken.reason if broken else f"{name} exited with code {code}")
        if where is not None and not done:
            return Serving("none", broken.reason if broken else f"{name} does not answer{_held(container)}")
    if broken is not None and not broken.old_runs:
        return Serving("none", broken.reason)
    note = box.state.read(project.root, ServingNote).old.get(name)
    if note is not None and note.container == container.id:
        return Serving("old", note.reason[:LONGEST])
    if broken is not None:
        return Serving("old", broken.reason)
    if waits_for_the_old_one(box, project.root, name, container.id):
        return Serving("old", f"{name} is built and starts as soon as the previous program has stopped")
    paths = compiled(box.files, project, service)
    newer = saved_since_build(box, project.root, name, container.id, paths)
    if newer is not None:
        reason = f"{newer} is newer than the last build; if no build follows, devctl restart builds it"
        return Serving("old", reason)
    return Serving("current", None)


def _held(container: Container) -> str:
    """Why a program that is debugged may not answer."""
    debugging = container.debugging
    return (
        f": it is waiting for a debugger on {debugging.address}, or paused by one"
        if debugging is not None
        else ""
    )


def _is_done(service: Service, container: Container) -> bool:
    """A job in production: its container ended with it."""
    return container.succeeded and container.mode == "prod" and service.may_finish


def _unfinished(files: Files, project: Project, intent: Intent | None) -> str:
    """What a command is about to do, or had started when it was killed."""
    if intent is None:
        return ""
    holder = files.lock_holder(project.root)
    if holder is not None:
        return f": {holder} is running"
    again = "devctl down" if intent.kind == "removal" else "devctl up"
    return f": {intent} was interrupted; {again} finishes it"


class BrokenBuild(Struct, frozen=True):
    """`old_runs`: whether there was a good build before, whose program keeps running."""

    reason: str
    old_runs: bool


def broken_build(engine: Engine, container: Container) -> BrokenBuild | None:
    """What devctl's build script wrote inside the container when its last build failed: `failed TIME PROGRAM`, the errors."""
    text = engine.read_files(container.id, BUILD_STATE)
    if text is None or not text.startswith("failed"):
        return None
    first, _, message = text.partition("\n")
    line = telling_line(message)
    reason = f"does not compile: {line}" if line else "does not compile"
    return BrokenBuild(reason, old_runs=len(first.split()) > 2)
