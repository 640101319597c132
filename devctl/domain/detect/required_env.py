"""Variables, and files of them, that the code requires and that are missing: known before the program exits because of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from devctl.domain.command.argv import shell_path
from devctl.domain.detect.main_package import Main
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.walk import walk
from devctl.domain.go.facts import EnvFile, Located
from devctl.domain.project.model import Service
from devctl.domain.regex import regex
from devctl.errors import Problem

_FILE_MISSING = "env-file-missing"
_SPEAKS_OF_ENV = regex(r"(?i)\.env\b|\benv(?:ironment)?\b|dotenv|config")


def unset_env(
    main: Main,
    *,
    compose: Mapping[str, object],
    dockerfile: DockerfileFacts | None,
    said: Mapping[str, str],
) -> tuple[Located, ...]:
    """Each with the line that reads it. `said`: what devctl.yaml or devctl itself sets."""
    needed = {v.value: v for package in main.closure for v in reversed(package.env_required)}
    set_ = {**dockerfile_env(dockerfile), **environment(compose), **said}
    there = {name for name, value in set_.items() if value}
    return tuple(v for name, v in sorted(needed.items()) if name not in there)


def environment(compose: Mapping[str, object]) -> dict[str, str]:
    """What a resolved service sets."""
    raw = compose.get("environment")
    pairs = raw.items() if isinstance(raw, Mapping) else ()
    return {str(key): str(value) for key, value in pairs if value is not None}


def dockerfile_env(facts: DockerfileFacts | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for stage in facts.stages if facts else ():
        for line in walk(facts, stage) if facts else ():
            found |= line.set if line.cmd == "ENV" else {}
    return found


def unset_problems(service: str, unset: Iterable[Located]) -> tuple[Problem, ...]:
    return tuple(
        Problem("variable-missing", unset_message([v.value]), unset_hint(service, [v.value]), v.place)
        for v in unset
    )


def unset_message(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the program needs the environment variable {names[0]}, and nothing sets it"
    return f"the program needs the environment variables {', '.join(names)}, and nothing sets them"


def unset_hint(service: str, names: Sequence[str]) -> str:
    env = ", ".join(f"{name}: …" for name in names)
    return f"the compose file's `environment:`, or devctl.yaml: `services: {{{service}: {{env: {{{env}}}}}}}`"


def named_in(text: str, unset: Iterable[Located]) -> list[Located]:
    """Those that a program mentions in its last lines."""
    return [v for v in unset if re.search(rf"\b{v.value}\b", text)]


def missing_env_files(service: Service) -> tuple[Problem, ...]:
    """Those that do not exist in the folder."""
    return tuple(_missing_env_file(service, file) for file in service.start.env_files if not file.there)


def env_file_ended_for(service: Service, log: str, *, dev: bool) -> Problem | None:
    """The one that made a program exit: it does not exist in the folder or, in production, in the image."""
    if dev:
        return next(iter(missing_env_files(service)), None)
    if not service.start.env_files or _SPEAKS_OF_ENV.search(log) is None:
        return None
    return _env_file_not_in_image(service, service.start.env_files[0])


def _env_file_not_in_image(service: Service, file: EnvFile) -> Problem:
    path = _path_in_project(service, file.path)
    hint = (
        f"let the program continue without it at {file.place}, as in `_ = godotenv.Load()`: in production, variables come "
        "from outside"
    )
    return Problem(
        _FILE_MISSING, f"the program exits without {path}, which is not in the image", hint, file.place
    )


def _missing_env_file(service: Service, file: EnvFile) -> Problem:
    path = _path_in_project(service, file.path)
    names = ", ".join(variable.value for variable in service.start.unset_env)
    hint = f"create {path} with a line NAME=value for each of {names or 'the variables that it reads'}"
    if file.example:
        hint = f"cp {shell_path(_path_in_project(service, file.example))} {shell_path(path)}, and fill in the missing values"
    return Problem(
        _FILE_MISSING, f"the program exits without {path}, which does not exist here", hint, file.place
    )


def _path_in_project(service: Service, path: str) -> str:
    return posixpath.normpath(posixpath.join(service.source.dir, path))
