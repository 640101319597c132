"""What this machine made on the engine, of any project, and whether the folder that it was made for is still there."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.plan.engine_state import (
    MACHINE_LABEL,
    PROJECT_LABEL,
    ROOT_LABEL,
    TEMPORARY_LABEL,
    WORKING_DIR_LABEL,
    Kind,
    Labelled,
)
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Toolbox


def made_here(identity: Identity, engine: Engine, kind: Kind, label: str = PROJECT_LABEL) -> list[Labelled]:
    """What this machine made for longer than a command."""
    every = engine.labelled(kind, label)
    ours = (t for t in every if t.labels.get(MACHINE_LABEL) == identity.machine)
    return [t for t in ours if TEMPORARY_LABEL not in t.labels]


def abandoned_containers(box: Toolbox) -> list[Labelled]:
    """Those that run, though the folder of their project is gone: ended only when somebody agrees."""
    return [c for c in made_here(box.identity, box.engine, "container") if c.in_use and is_gone(box.files, c)]


def folder_of(thing: Labelled) -> str:
    """A container has the labels of its image too, also one that somebody starts of it by hand: compose's own tell ours."""
    if thing.kind == "container":
        return thing.labels.get(WORKING_DIR_LABEL, "")
    return thing.labels.get(WORKING_DIR_LABEL) or thing.labels.get(ROOT_LABEL) or ""


def is_gone(files: Files, thing: Labelled) -> bool:
    """Nothing is known to be gone whose folder is not known."""
    folder = folder_of(thing)
    return folder != "" and files.gone(Path(folder))
