"""Whose containers these are: compose treats two folders of one name as one project, and the second would replace the first."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from devctl.domain.command.argv import shell_path
from devctl.domain.plan.engine_state import MACHINE_LABEL, WORKING_DIR_LABEL, Container, Observed
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.project.model import Project
from devctl.errors import MachineError


def refuse_anothers(files: Files, project: Project, observed: Observed) -> None:
    """Raise MachineError `project-name-taken` if a container of this name belongs to another folder."""
    for container in observed.containers:
        other = _anothers(files, project, container)
        if other is not None and _elsewhere(project, container):
            raise MachineError(
                f"the project name {project.name} is taken by {other} on another machine or container that uses this engine",
                code="project-name-taken",
                hint=f"devctl.yaml: `name: {project.name}-2` gives this folder a name of its own; "
                f"if nobody needs what runs there: docker compose -p {project.name} down",
            )
        if other is not None:
            raise MachineError(
                f"the project name {project.name} is taken by {other}, which has containers with that name",
                code="project-name-taken",
                hint=f"devctl.yaml: `name: {project.name}-2` gives this folder a name of its own; "
                f"or devctl -C {shell_path(other)} down",
            )


def own_containers(files: Files, engine: Engine, project: Project) -> Observed:
    """Those of this folder: another folder's are neither shown nor entered."""
    return only_own(files, project, engine.containers(project.name))


def only_own(files: Files, project: Project, observed: Observed) -> Observed:
    mine = tuple(c for c in observed.containers if _anothers(files, project, c) is None)
    return replace(observed, containers=mine)


def _anothers(files: Files, project: Project, container: Container) -> Path | None:
    """The other folder that a container belongs to.

    A compose file in a subfolder is the same project, and a folder that was moved or removed has given up its name: that can
    only be seen for this machine's folders.
    """
    label = container.labels.get(WORKING_DIR_LABEL)
    here, other = project.root, Path(label or project.root)
    if here in (other, *other.parents) or other in here.parents:
        return None
    return other if _elsewhere(project, container) or not files.gone(other) else None


def _elsewhere(project: Project, container: Container) -> bool:
    return container.labels.get(MACHINE_LABEL, project.machine) != project.machine
