"""Which folder is the project: `-C`, else the nearest parent that has devctl.yaml, a compose file or go.mod."""

from __future__ import annotations

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
MARKS = ("devctl.yaml", *COMPOSE_FILES, "go.work", "go.mod")


def find_root(box: Toolbox, given: Path | None) -> Path:
    """Raises UsageError `project-dir-missing` for a `-C` to nowhere, FilesError `no-project` where nothing is found."""
    if given is not None:
        if not box.files.is_dir(given):
            raise UsageError(
                f"no such folder: {given}", code="project-dir-missing", hint="devctl -C DIR names a folder"
            )
        return given.resolve()
    start = box.host.cwd()
    for folder in (start, *start.parents):
        if any(box.files.exists(folder / mark) for mark in MARKS):
            return folder
    raise FilesError(
        f"{start} is no Go project: neither here nor above is a devctl.yaml, a compose file or a go.mod",
        code="no-go-module",
        hint="cd into the project; `devctl new DIR` starts one, `go mod init NAME` makes a module here",
    )


def has_compose(box: Toolbox, root: Path) -> bool:
    return any(box.files.exists(root / name) for name in COMPOSE_FILES)


def compose_files(box: Toolbox, root: Path) -> tuple[Path, ...]:
    """The files that compose reads here, the overriding one first; nothing where there is none."""
    found = [
        next((root / n for n in names if box.files.exists(root / n)), None)
        for names in (OVERRIDES, COMPOSE_FILES)
    ]
    return tuple(path for path in found if path is not None) if found[-1] is not None else ()
