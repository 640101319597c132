"""Files of variables that the program ends without, though a repository seldom holds them."""

from __future__ import annotations

import posixpath
import re

from devctl.domain.gofacts import EnvFile
from devctl.domain.project import Service
from devctl.errors import Problem

CODE = "env-file-missing"
_SPOKEN_OF = re.compile(r"(?i)\.env\b|\benv(?:ironment)?\b|dotenv|config")


def missing_files(service: Service) -> tuple[Problem, ...]:
    """Those that are not in the folder."""
    return tuple(_missing(service, file) for file in service.env_files if not file.there)


def ended_for(service: Service, log: str, *, dev: bool) -> Problem | None:
    """The one that a program ended for: it is not in the folder, or in production not in the image."""
    if dev:
        return next(iter(missing_files(service)), None)
    if not service.env_files or _SPOKEN_OF.search(log) is None:
        return None
    return not_in_image(service, service.env_files[0])


def not_in_image(service: Service, file: EnvFile) -> Problem:
    path = _path(service, file.path)
    hint = f"go on without it at {file.place}, as in `_ = godotenv.Load()`: production gets its variables from outside"
    return Problem(CODE, f"the program ends without {path}, which the image does not hold", hint, file.place)


def _missing(service: Service, file: EnvFile) -> Problem:
    path = _path(service, file.path)
    names = ", ".join(variable.value for variable in service.unset_env)
    hint = f"write {path}, a line NAME=value for each of {names or 'the variables that it reads'}"
    if file.example:
        hint = f"cp {_path(service, file.example)} {path}, and fill in what it leaves open"
    return Problem(CODE, f"the program ends without {path}, and it is not here", hint, file.place)


def _path(service: Service, path: str) -> str:
    return posixpath.normpath(posixpath.join(service.dir, path))
