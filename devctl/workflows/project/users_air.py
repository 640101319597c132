"""The .air.toml of each service that has one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from devctl.domain.plan.run import dev_run_is_ours
from devctl.domain.plan.users_air import builds, problems
from devctl.domain.ports.files import Files
from devctl.domain.project.air_toml import NAMES, UsersAir, users_air
from devctl.domain.project.model import Service
from devctl.errors import Problem


def with_users_air(
    files: Files, root: Path, services: tuple[Service, ...]
) -> tuple[tuple[Service, ...], tuple[Problem, ...]]:
    """The services with their .air.toml, and what of it cannot apply, reported once for each file."""
    found: list[Service] = []
    said: dict[Problem, None] = {}
    for service in services:
        start = service.start
        if start.air_file:
            air, wrong = air_at(files, root, start.air_file, folder=start.air_folder)
        else:
            air, wrong = air_in(files, root, (service.source.dir, "."))
        if air is not None:
            air = replace(air, builds=builds(air, service, alone=len(services) == 1))
        if dev_run_is_ours(service):
            said |= dict.fromkeys([*wrong, *(problems(air) if air is not None else ())])
        found.append(replace(service, air=air))
    return tuple(found), tuple(said)


def air_in(files: Files, root: Path, folders: Iterable[str]) -> tuple[UsersAir | None, list[Problem]]:
    """The first one in these folders of the project: for a service in that of its module, else in the project's own."""
    for folder in dict.fromkeys(folders):
        for name in NAMES:
            path = posixpath.normpath(posixpath.join(folder, name))
            text = files.read_text(root / path, within=root)
            if text is not None:
                return _read(text, path, folder=None)
    return None, []


def air_at(files: Files, root: Path, path: str, *, folder: str) -> tuple[UsersAir | None, list[Problem]]:
    """The one that air is called with (`air -c PATH`), in a folder of the project."""
    text = files.read_text(root / path, within=root)
    if text is not None:
        return _read(text, path, folder=folder)
    missing = Problem(
        "air-config",
        f"air is called with {path}, which does not exist: using devctl's own settings for air",
        f"create {path}, or fix the path after `air -c`",
        path,
    )
    return None, [missing]


def _read(text: str, path: str, *, folder: str | None) -> tuple[UsersAir | None, list[Problem]]:
    try:
        return users_air(text, path, folder=folder), []
    except ValueError as error:
        return None, [_broken(path, str(error))]


def _broken(path: str, why: str) -> Problem:
    return Problem(
        "air-config",
        f"{path} cannot be read ({why}): using devctl's own settings for air",
        f"correct {path}; devctl init --diff shows one that works",
        path,
    )
