"""The `state` object: one look at the engine, joined with what a watcher learned where that still fits."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from devctl.domain.air import BUILD_STATE
from devctl.domain.observed import DEPS_LABEL, MODE_LABEL, SERVICE_LABEL, Container, Observed
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.domain.state import Kind, Mode, ProjectMode, ServiceState, Serving, State
from devctl.workflows.owner import only_own
from devctl.workflows.ready import address, answers
from devctl.workflows.watcher_process import watcher_state

NOTES = "serving.json"
"""Why old code serves, by container id: believed only while that container runs."""


@dataclass(frozen=True, slots=True)
class Note:
    container: str
    reason: str


def snapshot(box: Toolbox, project: Project, *, observed: Observed | None = None) -> State:
    """`observed`: the containers, where they were asked for just now."""
    observed = only_own(box, project, observed or box.engine.containers(project.name))
    project = _with_labelled(project, observed)
    services = tuple(_service(project, observed, name) for name in _names(project, observed))
    return State(
        mode=_mode(services),
        services=services,
        watcher=watcher_state(box, project),
        serving=_serving(box, project, observed),
    )


def _with_labelled(project: Project, observed: Observed) -> Project:
    """Files that are broken today name no services; the labels of what runs still do."""
    found = [
        Service(name=c.service, port=next(iter(c.ports), None), probe="tcp")
        for c in observed.containers
        if c.labels.get(SERVICE_LABEL) == c.service and project.service(c.service) is None
    ]
    return replace(project, services=(*project.services, *found)) if found else project


def note_old(box: Toolbox, project: Project, service: str, reason: str | None) -> None:
    """Keep (or, with None, forget) why a service serves old code."""
    container = box.engine.containers(project.name).of(service)
    path = Path(project.root) / OVERLAY / NOTES
    notes = _notes(box, project)
    if reason is None or container is None:
        notes.pop(service, None)
    else:
        notes[service] = Note(container.id, reason)
    text = json.dumps({k: {"container": n.container, "reason": n.reason} for k, n in notes.items()})
    box.files.write_atomic(path, text, owner=project.owner)


def _notes(box: Toolbox, project: Project) -> dict[str, Note]:
    text = box.files.read_text(Path(project.root) / OVERLAY / NOTES)
    try:
        raw = json.loads(text or "{}")
        return {str(k): Note(v["container"], v["reason"]) for k, v in raw.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _names(project: Project, observed: Observed) -> list[str]:
    return list(
        dict.fromkeys(
            [*project.specs, *(s.name for s in project.services), *(c.service for c in observed.containers)]
        )
    )


def _service(project: Project, observed: Observed, name: str) -> ServiceState:
    container, service = observed.of(name), project.service(name)
    kind: Kind = "service" if service is not None else "dependency"
    if container is None:
        return ServiceState(name=name, kind=kind)
    return ServiceState(
        name=name,
        kind=kind,
        state=container.state,
        health=container.health,
        mode=_container_mode(container),
        url=_url(container, service.port if service is not None else None),
        image=container.image,
        image_id=container.image_id,
        container=container.id,
        deps=container.labels.get(DEPS_LABEL) if service is not None else None,
    )


def _container_mode(container: Container) -> Mode | None:
    word = container.labels.get(MODE_LABEL)
    return word if word in ("dev", "prod") else None  # type: ignore[return-value]  # narrowed by the test


def _url(container: Container, port: int | None) -> str | None:
    bound = container.ports.get(port) if port is not None else next(iter(container.ports.values()), None)
    if bound is None or container.state != "running":
        return None
    host = "127.0.0.1" if bound[0] in ("", "0.0.0.0", "::") else bound[0]
    return f"http://{host}:{bound[1]}" if port is not None else f"tcp://{host}:{bound[1]}"


def _mode(services: tuple[ServiceState, ...]) -> ProjectMode:
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
    found = [_serving_of(box, project, observed, s.name) for s in project.services]
    order = {"none": 0, "old": 1, "current": 2}
    return min(found, key=lambda s: order[s.state]) if found else Serving("none", "no service")


def _serving_of(box: Toolbox, project: Project, observed: Observed, name: str) -> Serving:
    service, container = project.service(name), observed.of(name)
    if service is None or container is None or container.state != "running":
        return Serving("none", f"{name} does not run")
    where = address(service, container)
    broken = _broken_build(box, container) if container.labels.get(MODE_LABEL) == "dev" else None
    if where is not None and not answers(box, where):
        return Serving("none", broken.reason if broken else f"{name} does not answer")
    if broken is not None and not broken.old_runs:
        return Serving("none", broken.reason)
    note = _notes(box, project).get(name)
    if note is not None and note.container == container.id:
        return Serving("old", note.reason)
    return Serving("old", broken.reason) if broken else Serving("current", None)


@dataclass(frozen=True, slots=True)
class _BrokenBuild:
    """`old_runs`: whether a build was good before, and its program runs on."""

    reason: str
    old_runs: bool


def _broken_build(box: Toolbox, container: Container) -> _BrokenBuild | None:
    """What our build script wrote inside the container when its last build failed: `failed TIME PROGRAM`, the errors."""
    text = box.engine.read_file(container.id, BUILD_STATE)
    if text is None or not text.startswith("failed"):
        return None
    first, _, message = text.partition("\n")
    lines = [line for line in message.splitlines() if line and not line.startswith("#")]
    reason = f"does not compile: {lines[0]}" if lines else "does not compile"
    return _BrokenBuild(reason, old_runs=len(first.split()) > 2)


def ready_text(state: State, ms: int | None, *, did: bool) -> str:
    """What a person reads when services are up: one line a service with its address."""
    took = f" in {ms / 1000:.1f} s" if ms is not None and did else ""
    head = f"ready{took}" if did else "already up"
    lines = [
        f"  {s.name:<12} {s.mode or s.kind:<10} {s.state:<9} {s.url or ''}".rstrip() for s in state.services
    ]
    return "\n".join([head, *lines])
