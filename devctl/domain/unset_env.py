"""Variables that the code cannot do without, and that nothing sets: known before the program ends for want of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from devctl.domain.gofacts import DockerfileFacts, Located
from devctl.domain.mains import Main
from devctl.domain.stages import assignments
from devctl.errors import Problem


def unset_env(
    main: Main,
    *,
    compose: Mapping[str, object],
    dockerfile: DockerfileFacts | None,
    said: Mapping[str, str],
) -> tuple[Located, ...]:
    """Each with the line that reads it. `said`: what devctl.yaml sets, or devctl itself."""
    needed = {v.value: v for package in main.closure for v in reversed(package.env_required)}
    set_ = {**dockerfile_env(dockerfile), **environment(compose), **said}
    there = {name for name, value in set_.items() if value}
    return tuple(v for name, v in sorted(needed.items()) if name not in there)


def environment(compose: Mapping[str, object]) -> dict[str, str]:
    raw = compose.get("environment")
    if isinstance(raw, Mapping):
        return {str(key): str(value) for key, value in raw.items() if value is not None}
    pairs = [str(item).partition("=") for item in raw] if isinstance(raw, list) else []
    return {key: value for key, _, value in pairs}


def dockerfile_env(facts: DockerfileFacts | None) -> dict[str, str]:
    lines = [i for stage in (facts.stages if facts else ()) for i in stage.instructions if i.cmd == "ENV"]
    return {name: value for line in lines for name, value in assignments(line, {}).items()}


def unset_problems(service: str, unset: Iterable[Located]) -> tuple[Problem, ...]:
    return tuple(
        Problem("variable-missing", unset_message(v), unset_hint(service, v.value), v.place) for v in unset
    )


def unset_message(variable: Located) -> str:
    return f"the program needs the environment variable {variable.value}, and nothing sets it"


def unset_hint(service: str, name: str) -> str:
    return f"the compose file's `environment:`, or devctl.yaml: `services: {{{service}: {{env: {{{name}: …}}}}}}`"


def named_in(text: str, unset: Iterable[Located]) -> Located | None:
    """The one that a program speaks of in its last lines."""
    return next((v for v in unset if re.search(rf"\b{v.value}\b", text)), None)
