"""What compose was last given for each service, stored where no container can write: what a rollback restores, and what a
round of the watcher may give a service by itself. People see the model with `devctl config render`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from msgspec import field

from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project
from devctl.domain.project.private_notes import DebuggedNote, PrivateNote
from devctl.domain.project.state_folder import FORMER
from devctl.domain.rights.grants import leading_out, mounted_paths
from devctl.errors import DevctlError, MachineError
from devctl.workflows.project.approved_inputs import Approved, approve_inputs
from devctl.workflows.session.manifests import manifest_paths
from devctl.workflows.session.session import RECIPE_FILES, Session

RUNNING = "running.json"
"""The rendered model of what runs."""


class Applied(PrivateNote, frozen=True):
    """The rendered model that a person's command applied last, and what else decides about rights. `links`: paths of the
    project that led out of it then, and their targets."""

    file: ClassVar[str] = "applied.json"
    model: Model = field(default_factory=dict)
    mirror: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)


def running_model(private: PrivateState, project: Project) -> Model | None:
    """None before anything was started, and for a user who has started nothing here."""
    return _read(private, project.root)


def keep_running(
    state: StateFolder, private: PrivateState, session: Session, services: Collection[str]
) -> None:
    """These services run as the session's model says; the project's other services run as they did."""
    write_running(state, private, session.root, merged(private, session, services))


def merged(private: PrivateState, session: Session, services: Collection[str]) -> Model:
    """The model of what runs, once these services run as the session's says."""
    return _merged(_read(private, session.root), session.model, _untouched(session, services))


def write_running(state: StateFolder, private: PrivateState, root: Path, model: Model) -> None:
    """What runs keeps running, whether it can be recorded or not: a failure to record was reported with the intent. A model of
    something else is worse than none, since a rollback would start it."""
    try:
        private.write(root, RUNNING, json.dumps(model))
    except MachineError:
        private.remove(root, RUNNING)
    for name in FORMER:
        with suppress(DevctlError):
            state.remove(root, name)


def keep_applied(box: Toolbox, session: Session, services: Collection[str]) -> None:
    """A person's command has started these services: a round of the watcher may give them again what they may do now."""
    project = session.project
    before = applied(box.private, project)
    untouched = _untouched(session, services)
    model = _merged(before.model if before is not None else None, session.model, untouched)
    links = links_of(box.files, session, [s.name for s in project.services])
    approve_inputs(box, project, services)
    with suppress(MachineError):  # then a changed model waits for a person's next command
        box.private.keep(session.root, Applied(model, project.mirror, links))


def links_of(files: Files, session: Session, services: Collection[str]) -> dict[str, str]:
    """What these services mount, or are built from, and which leads out of the project through a link: path → target."""
    project = session.project
    inputs: list[str] = []
    for service in (s for s in project.services if s.name in services):
        inputs += manifest_paths(files, project, service)
        inputs += [f"{service.build.context}/{name}" for name in RECIPE_FILES]
        inputs += (
            [service.build.dockerfile, f"{service.build.dockerfile}.dockerignore"]
            if service.build.dockerfile
            else []
        )
    paths = [f"{project.root}/{path}" for path in inputs if not path.startswith("../")]
    paths += mounted_paths(session.model, services)
    return leading_out(paths, root=str(project.root), real=files.real)


def applied(private: PrivateState, project: Project) -> Applied | None:
    """None before the first `up`, and for a user who has started nothing here."""
    note = private.note(project.root, Applied)
    return note if _model(note.model) is not None else None


def forget_applied(private: PrivateState, project: Project) -> None:
    """Nothing runs any more."""
    for name in (RUNNING, Applied.file, Approved.file, DebuggedNote.file):
        private.remove(project.root, name)


def _merged(before: Model | None, model: Model, untouched: Collection[str]) -> Model:
    """`model`, with the services of `untouched` and what they need as they were before."""
    if before is None or not untouched:
        return model
    parts = {
        key: {**before.get(key, {}), **(model.get(key) or {})}
        for key in ("volumes", "networks", "secrets", "configs")
        if before.get(key) or model.get(key)
    }
    old = before.get("services", {})
    kept = {name: old[name] for name in untouched if name in old}
    return {**model, **parts, "services": {**model["services"], **kept}}


def _untouched(session: Session, services: Collection[str]) -> list[str]:
    names = [*(s.name for s in session.project.services), *session.redefined]
    return [name for name in names if name not in services]


def _read(private: PrivateState, root: Path) -> Model | None:
    try:
        return _model(json.loads(private.read(root, RUNNING) or "null"))
    except ValueError:
        return None


def _model(found: object) -> Model | None:
    return found if isinstance(found, dict) and isinstance(found.get("services"), dict) else None
