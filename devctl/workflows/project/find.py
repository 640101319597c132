"""Which folder is the project: `-C`, else the nearest parent that has devctl.yaml, a compose file or go.mod."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from devctl.domain.command.argv import shell_path
from devctl.domain.compose.env_file import examples, values
from devctl.domain.compose.file_names import chosen_file
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Host
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.domain.regex import regex
from devctl.errors import DevctlError, FilesError

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
"""Where a compose file may be if it is not beside the code: it then builds from the parent folder."""
_BUILDS_ABOVE = regex(r"""\b(?:context|build):\s*["']?\.\./?["']?\s*(?:[,}#]|$)""", re.MULTILINE)


_IS_COMPOSE = regex(r"^services:", re.MULTILINE)


def named(root: Path, path: Path) -> str:
    """The file as a user knows it: its path from the project, or the whole path if it is elsewhere (COMPOSE_FILE may be)."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def find_root(files: Files, host: Host, given: Path | None) -> Path:
    """`given`: a folder. Raises FilesError `no-go-module` if none is given and none is found."""
    if given is not None:
        return _owner(files, host, (given if given.is_absolute() else host.cwd() / given).resolve())
    start = host.cwd()
    for folder in (start, *start.parents):
        if any(files.exists(folder / mark) for mark in MARKS):
            return _owner(files, host, folder)
    for folder in (start, *start.parents):
        if any(files.exists(folder / mark) for mark in (".git", STATE_FOLDER)):  # or `-C` named it before
            return folder  # whoever reads its code reports what is missing in it
    raise FilesError(
        f"{start} is not a Go project: no devctl.yaml, compose file or go.mod in it or in any parent folder",
        code="no-go-module",
        hint="cd into the project; or `devctl new DIR` creates one, `go mod init NAME` creates a module here",
    )


def folder_gone(root: Path, done: str, *, result: Mapping[str, object], why: str = "") -> FilesError:
    """The project's folder was moved or removed while a command worked; `done`: what the command had done by then."""
    return FilesError(
        f"{done}: the project's folder {root} was moved or removed",
        code="project-folder-gone",
        hint="devctl clean removes what is left; devctl up in the new folder starts it there",
        result=result,
        why=why,
    )


@contextmanager
def places_from(root: Callable[[], Path | None]) -> Iterator[None]:
    """Errors raised inside name a file of the project by its path from the root, as a user knows it."""
    try:
        yield
    except DevctlError as error:
        place, hint = error.problem.place or "", error.problem.hint
        if place.startswith("/") and (folder := root()) is not None and Path(place).is_relative_to(folder):
            short = named(folder, Path(place))
            raise error.replace(place=short, hint=hint.replace(place, short)) from error
        raise


def _owner(files: Files, host: Host, folder: Path) -> Path:
    """The parent project, if `folder` is where it keeps its compose file."""
    if folder.name not in FOLDERS or any(files.exists(folder / mark) for mark in OWN_MARKS):
        return folder
    above = folder.parent
    found = (
        find_compose(files, host, above) if any(files.exists(above / mark) for mark in OWN_MARKS) else None
    )
    return above if found is not None and found.folder == folder else folder


class ComposeFiles(Struct, frozen=True):
    """Where to call compose, and the files that it reads there, the overriding one first. `named`: compose has to be given
    their names; `by_us`: only devctl does so. `called_in`: where COMPOSE_FILE leads to another folder from."""

    folder: Path
    files: tuple[Path, ...]
    named: bool = False
    by_us: bool = False
    called_in: Path | None = None

    @property
    def env_files(self) -> tuple[Path, ...]:
        """The `.env` files that compose reads, in an order in which each overrides those before it.

        Without `-f`, compose reads the one where it is called, and then the one beside the first file, which overrides nothing:
        https://github.com/docker/compose/blob/v2.40.3/cmd/compose/compose.go, toProjectOptions. So the first is named twice:
        the other's values are filled in from it, and it wins. Only a name that both set differs, where a value beside it uses it.
        """
        beside = self.folder / ".env"
        if self.called_in is None or self.called_in == self.folder:
            return (beside,)
        return (self.called_in / ".env", beside, self.called_in / ".env")


def find_compose(files: Files, host: Host, root: Path) -> ComposeFiles | None:
    """What COMPOSE_FILE names; else files with compose's own names in the project, or in the one of FOLDERS whose file builds
    from the project; else one with another name there. None if there is none."""
    written = values(files.read_text(root / ".env", within=None) or "", own=True, known=host.env)
    asked, separator = (
        host.env(name) or written.get(name) for name in ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR")
    )
    told = tuple(root / name for name in (asked or "").split(separator or ":") if name)
    if told and all(files.exists(path) for path in told):
        return ComposeFiles(told[0].parent, told[::-1], named=True, called_in=root)
    folders = [root, *(folder for name in FOLDERS if files.is_dir(folder := root / name))]
    for folder in folders:
        found = _usual(files, folder)
        if found is not None and (folder == root or _says(files, found.files[-1], _BUILDS_ABOVE)):
            return found
    for folder in folders:
        name = chosen_file(files.names(folder))
        path = folder / name if name is not None else None
        if path is not None and _says(files, path, _IS_COMPOSE if folder == root else _BUILDS_ABOVE):
            return ComposeFiles(folder, (path,), named=True, by_us=True)
    return None


def compose_files(files: Files, host: Host, root: Path) -> tuple[Path, ...]:
    """The files that compose reads, the overriding one first; empty if there is none."""
    found = find_compose(files, host, root)
    return found.files if found is not None else ()


def _usual(files: Files, folder: Path) -> ComposeFiles | None:
    """Files with the names that compose looks for."""
    found = [
        next((folder / n for n in names if files.exists(folder / n)), None)
        for names in (OVERRIDES, COMPOSE_FILES)
    ]
    paths = tuple(path for path in found if path is not None)
    return ComposeFiles(folder, paths) if found[-1] is not None else None


def _says(files: Files, path: Path, what: re.Pattern[str]) -> bool:
    return what.search(files.read_text(path, within=None) or "") is not None


def root_of(files: Files, host: Host, given: Path | None) -> Path | None:
    try:
        return find_root(files, host, given)
    except DevctlError:
        return None


def example_of(files: Files, path: Path) -> Path | None:
    """The example beside a missing file, to be copied: its own, else that of `.env`, of which each `.env.NAME` is a variant."""
    names = [*examples(path.name), *(examples(".env") if path.name.startswith(".env.") else ())]
    beside = (path.with_name(name) for name in names if name != path.name)
    return next((found for found in beside if files.exists(found)), None)


def copying(root: Path, example: Path, wanted: Path) -> str:
    """The command that creates a file from its example, run in the project."""
    return f"cp {shell_path(named(root, example))} {shell_path(named(root, wanted))}"
