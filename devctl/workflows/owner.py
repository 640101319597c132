"""Whose containers these are: two folders of one name are one project to compose, and the second would replace the first."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.observed import WORKING_DIR_LABEL, Observed
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.errors import MachineError


def refuse_anothers(box: Toolbox, project: Project, observed: Observed) -> None:
    """Raise MachineError `project-name-taken` where a container of this name belongs to a folder elsewhere that still exists.

    A compose file in a folder below is the same project, and one whose folder was moved or removed has left its name.
    """
    here = Path(project.root)
    for container in observed.containers:
        label = container.labels.get(WORKING_DIR_LABEL)
        other = Path(label) if label else here
        if here in (other, *other.parents) or other in here.parents or not box.files.is_dir(other):
            continue
        raise MachineError(
            f"the project name {project.name} is taken by {other}, which has containers of that name",
            code="project-name-taken",
            hint=f"devctl.yaml: name: {project.name}-2 gives this folder a name of its own; or devctl -C {other} down",
        )
