"""What this machine created on the engine, for any project, and whether the folder that it was created for still exists."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.plan.engine_state import (
    COMPOSE_PROJECT_LABEL,
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
    """What this machine created for longer than a command."""
    every = engine.labelled(kind, label)
    ours = (t for t in every if t.labels.get(MACHINE_LABEL) == identity.machine)
    return [t for t in ours if TEMPORARY_LABEL not in t.labels]


def abandoned_containers(box: Toolbox) -> list[Labelled]:
    """Those that are running although their project's folder is gone: stopped only with consent."""
    return [c for c in made_here(box.identity, box.engine, "container") if c.in_use and is_gone(box.files, c)]


def former_names(box: Toolbox, root: Path, name: str) -> list[str]:
    """Other names under which containers of this folder run: those that it had before `name`."""
    ours = (
        c for c in made_here(box.identity, box.engine, "container") if c.in_use and folder_of(c) == str(root)
    )
    return sorted({c.labels.get(COMPOSE_PROJECT_LABEL, name) for c in ours} - {name})


def folder_of(thing: Labelled) -> str:
    """A container also has the labels of its image, even if somebody starts it by hand: compose's own labels identify
    devctl's."""
    if thing.kind == "container":
        return thing.labels.get(WORKING_DIR_LABEL, "")
    return thing.labels.get(WORKING_DIR_LABEL) or thing.labels.get(ROOT_LABEL) or ""


def is_gone(files: Files, thing: Labelled) -> bool:
    """Without a known folder, nothing is known to be gone."""
    folder = folder_of(thing)
    return folder != "" and files.gone(Path(folder))
