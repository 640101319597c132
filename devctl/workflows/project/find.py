"""Which folder is the project: `-C`, else the nearest parent that has devctl.yaml, a compose file or go.mod."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devctl.domain.compose.env_file import values
from devctl.domain.compose.file_names import chosen_file, from_variable
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import DevctlError, FilesError, UsageError

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


def named(root: Path, path: Path) -> str:
    """As a user knows the file: by its path from the project, or the whole one where it lies elsewhere (COMPOSE_FILE may)."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def find_root(box: Toolbox, given: Path | None) -> Path:
    """Raises UsageError `project-dir-missing` for a `-C` to nowhere, FilesError `no-project` where nothing is found."""
    if given is not None:
        if not box.files.is_dir(given):
            raise UsageError(
                f"no such folder: {given}", code="project-dir-missing", hint="`devctl -C DIR` names a folder"
            )
        return _owner(box, (given if given.is_absolute() else box.host.cwd() / given).resolve())
    start = box.host.cwd()
    for folder in (start, *start.parents):
        if any(box.files.exists(folder / mark) for mark in MARKS):
            return _owner(box, folder)
    for folder in (start, *start.parents):
        if any(box.files.exists(folder / mark) for mark in (".git", STATE_FOLDER)):  # or `-C` named it before
            return folder  # what is missing in it is said by those who read its code
    raise FilesError(
        f"{start} is not a Go project: no devctl.yaml, compose file or go.mod in it or in any parent folder",
        code="no-go-module",
        hint="cd into the project; `devctl new DIR` starts one, `go mod init NAME` makes a module here",
    )


@contextmanager
def places_from(root: Callable[[], Path | None]) -> Iterator[None]:
    """Errors that leave name a file of the project by its path from the root, as a user knows it."""
    try:
        yield
    except DevctlError as error:
        place, hint = error.problem.place or "", error.problem.hint
        if place.startswith("/") and (folder := root()) is not None and Path(place).is_relative_to(folder):
            short = named(folder, Path(place))
            raise error.replace(place=short, hint=hint.replace(place, short)) from error
        raise


def _owner(box: Toolbox, folder: Path) -> Path:
    """The project above, where `folder` is the one that it keeps its compose file in."""
    if folder.name not in FOLDERS or any(box.files.exists(folder / mark) for mark in OWN_MARKS):
        return folder
    above = folder.parent
    if any(box.files.exists(above / mark) for mark in OWN_MARKS) and compose_folder(box, above) == folder:
        return above
    return folder


@dataclass(frozen=True, slots=True)
class ComposeFiles:
    """Where compose is to be called, and the files that it reads there, the overriding one first. `named`: compose has to be
    told their names; `by_us`: nobody but devctl does so."""

    folder: Path
    files: tuple[Path, ...]
    named: bool = False
    by_us: bool = False


def find_compose(box: Toolbox, root: Path) -> ComposeFiles | None:
    """What COMPOSE_FILE names; else files of compose's own names in the project, or in the one of FOLDERS whose file builds
    from the project; else one of another name there. None where there is none."""
    written = values(box.files.read_text(root / ".env", within=None) or "", own=True)
    asked, separator = (
        box.host.env(name) or written.get(name) for name in ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR")
    )
    told = tuple(root / name for name in from_variable(asked or "", separator=separator or ":"))
    if told and all(box.files.exists(path) for path in told):
        return ComposeFiles(told[0].parent, told[::-1], named=True)
    folders = [root, *(folder for name in FOLDERS if box.files.is_dir(folder := root / name))]
    for folder in folders:
        found = _usual(box, folder)
        if found is not None and (folder == root or _builds_above(box.files, found.files[-1])):
            return found
    for folder in folders:
        name = chosen_file(box.files.names(folder))
        path = folder / name if name is not None else None
        if path is not None and (
            _is_compose(box.files, path) if folder == root else _builds_above(box.files, path)
        ):
            return ComposeFiles(folder, (path,), named=True, by_us=True)
    return None


def compose_folder(box: Toolbox, root: Path) -> Path | None:
    """Where compose is to be called."""
    found = find_compose(box, root)
    return found.folder if found is not None else None


def compose_files(box: Toolbox, root: Path) -> tuple[Path, ...]:
    """The files that compose reads, the overriding one first; nothing where there is none."""
    found = find_compose(box, root)
    return found.files if found is not None else ()


def _usual(box: Toolbox, folder: Path) -> ComposeFiles | None:
    """Files of the names that compose looks for."""
    found = [
        next((folder / n for n in names if box.files.exists(folder / n)), None)
        for names in (OVERRIDES, COMPOSE_FILES)
    ]
    files = tuple(path for path in found if path is not None)
    return ComposeFiles(folder, files) if found[-1] is not None else None


def _builds_above(files: Files, path: Path) -> bool:
    return _BUILDS_ABOVE.search(files.read_text(path, within=None) or "") is not None


def _is_compose(files: Files, path: Path) -> bool:
    return re.search(r"^services:", files.read_text(path, within=None) or "", re.MULTILINE) is not None


def root_of(box: Toolbox, given: Path | None) -> Path | None:
    try:
        return find_root(box, given)
    except DevctlError:
        return None
