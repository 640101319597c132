"""Which folder is the project: `-C`, else the nearest parent that has devctl.yaml, a compose file or go.mod."""

from __future__ import annotations

import re
from pathlib import Path

from devctl.domain.ports import Toolbox
from devctl.errors import FilesError, UsageError

OVERRIDES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OWN_MARKS = ("devctl.yaml", "go.work", "go.mod", ".git")
MARKS = ("devctl.yaml", *COMPOSE_FILES, "go.work", "go.mod")
FOLDERS = ("deploy", "deployments", "deployment", "docker", ".docker", "compose", "build", "infra", "ops")
"""Where a compose file lies when it does not lie beside the code: it builds from the folder above then."""
_BUILDS_ABOVE = re.compile(r"""\b(?:context|build):\s*["']?\.\./?["']?\s*(?:[,}#]|$)""", re.MULTILINE)


def find_root(box: Toolbox, given: Path | None) -> Path:
    """Raises UsageError `project-dir-missing` for a `-C` to nowhere, FilesError `no-project` where nothing is found."""
    if given is not None:
        if not box.files.is_dir(given):
            raise UsageError(
                f"no such folder: {given}", code="project-dir-missing", hint="devctl -C DIR names a folder"
            )
        return _owner(box, given.resolve())
    start = box.host.cwd()
    for folder in (start, *start.parents):
        if any(box.files.exists(folder / mark) for mark in MARKS):
            return _owner(box, folder)
    for folder in (start, *start.parents):
        if box.files.exists(folder / ".git"):
            return folder  # what is missing in it is said by those who read its code
    raise FilesError(
        f"{start} is no Go project: neither here nor above is a devctl.yaml, a compose file or a go.mod",
        code="no-go-module",
        hint="cd into the project; `devctl new DIR` starts one, `go mod init NAME` makes a module here",
    )


def _owner(box: Toolbox, folder: Path) -> Path:
    """The project above, where `folder` is the one that it keeps its compose file in."""
    if folder.name not in FOLDERS or any(box.files.exists(folder / mark) for mark in OWN_MARKS):
        return folder
    above = folder.parent
    if any(box.files.exists(above / mark) for mark in OWN_MARKS) and compose_folder(box, above) == folder:
        return above
    return folder


def compose_folder(box: Toolbox, root: Path) -> Path | None:
    """Where compose is to be called: in the project, or in the one of FOLDERS whose compose file builds from the project."""
    if any(box.files.exists(root / name) for name in COMPOSE_FILES):
        return root
    for folder in (root / name for name in FOLDERS):
        for name in COMPOSE_FILES if box.files.is_dir(folder) else ():
            if _BUILDS_ABOVE.search(box.files.read_text(folder / name) or ""):
                return folder
    return None


def compose_files(box: Toolbox, root: Path) -> tuple[Path, ...]:
    """The files that compose reads, the overriding one first; nothing where there is none."""
    folder = compose_folder(box, root)
    if folder is None:
        return ()
    found = [
        next((folder / n for n in names if box.files.exists(folder / n)), None)
        for names in (OVERRIDES, COMPOSE_FILES)
    ]
    return tuple(path for path in found if path is not None)
