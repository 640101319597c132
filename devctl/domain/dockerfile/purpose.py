"""What a Dockerfile is for: whether it builds Go or starts what was built outside Docker, for development or production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import (
    DEV_NAMES,
    effective,
    find_stage,
    is_dev,
    needed_by,
)
from devctl.domain.dockerfile.walk import in_context, walk
from devctl.domain.go.go_command import GO
from devctl.domain.regex import regex

_BUILDS = regex(rf"{GO}(?:build|run|install)\b")
_INSTALLER = regex(r"\b(?:apk|apt|apt-get|yum|dnf|microdnf)\b")
_GO = regex(r"\s(?:go|golang)(?:\s|$|-)")
_OF_OTHERS = regex(
    r"(?:^|/)(?:node|bun|deno|python|ruby|php|rust|elixir|openjdk|eclipse-temurin|maven|gradle|nginx|caddy|httpd)(?=[:@]|$)"
)
_OF_GO = regex(r"(?:^|[/_-])go(?:lang)?(?:[_:-]|$)")


def builds_go(facts: DockerfileFacts, target: str = "") -> bool:
    """Whether a Dockerfile compiles Go: by its bases (`golang`, `ubi9/go-toolset`, `acme/go-builder`) or its commands. The
    `target` of a build speaks for itself only if it is made from the image of another language and shows no Go: what a plain
    system or a team's image has is not known."""
    asked = find_stage(facts, target) if target else None
    made_from = needed_by(facts, asked) if asked is not None else facts.stages
    return any(map(shows_go, made_from)) or (
        not any(map(of_another_language, made_from)) and any(map(shows_go, facts.stages))
    )


def of_another_language(stage: Stage) -> bool:
    """Whether it is made from the image of one."""
    return _OF_OTHERS.search(stage.base.lower()) is not None


def shows_go(stage: Stage) -> bool:
    """Whether its base or one of its own lines has the compiler."""
    if _OF_GO.search(stage.base.lower()):
        return True
    for i in stage.instructions:
        if i.cmd in ("RUN", "CMD", "ENTRYPOINT") and _uses_go(i.original):
            return True
        if i.cmd == "COPY" and any(_OF_GO.search(flag.lower().partition("=")[2]) for flag in i.flags):
            return True
    return False


def _uses_go(text: str) -> bool:
    """Whether a command calls the compiler, or installs it."""
    if _BUILDS.search(text) is not None:
        return True
    installers = ((command, _INSTALLER.search(command)) for command in re.split(r"[&|;]", text))
    return any(found is not None and _GO.search(command, found.end()) for command, found in installers)


def last_for_production(facts: DockerfileFacts) -> Stage:
    return next((s for s in reversed(facts.stages) if not is_dev(s)), facts.stages[-1])


def brought(facts: DockerfileFacts, stage: Stage | None = None) -> Instruction | None:
    """The line with which a stage (the last one) copies what it starts from outside: a program that make or goreleaser built."""
    stage = stage or last_for_production(facts)
    if builds_go(facts):
        return None
    words = [w for cmd in ("ENTRYPOINT", "CMD") if (i := effective(facts, stage, cmd)) for w in i.value]
    programs = [word for word in " ".join(words).split() if "." not in posixpath.basename(word)]
    lines = list(walk(facts, stage))
    for line in lines:
        if line.cmd in ("COPY", "ADD") and any(
            _comes_by(word, lines[-1].folder, line.brought) for word in programs
        ):
            return line.instruction
    return None


def _comes_by(program: str, folder: str, brought: Mapping[str, str]) -> bool:
    """`COPY bin/app .` provides ./app, `COPY shop /usr/bin/` provides shop, `COPY . /app` whatever is called by a path below
    it."""
    if "/" not in program:  # found through PATH
        return any(
            at.endswith(f"bin/{program}") or (at.endswith("bin") and posixpath.basename(source) == program)
            for at, source in brought.items()
        )
    return in_context(posixpath.normpath(posixpath.join(folder, program)), brought) is not None


_FOR_PRODUCTION = (
    "Dockerfile",
    "Dockerfile.prod",
    "Dockerfile.production",
    "prod.Dockerfile",
    "production.Dockerfile",
)


def is_dockerfile(name: str) -> bool:
    """`Dockerfile`, `Dockerfile.prod`, `prod.Dockerfile`."""
    return re.fullmatch(r"(?:[\w-]+\.)?Dockerfile(?:\.(?!dockerignore)[\w-]+)?", name) is not None


def for_dev(path: str) -> bool:
    """`Dockerfile.dev`, `compose/local/Dockerfile`: by its name or a folder."""
    return any(word in DEV_NAMES for word in re.split(r"[/._-]", path.lower()))


def for_production(path: str) -> tuple[str, ...]:
    """The path of the production Dockerfile, if `path` is the one for development: `Dockerfile.prod`, `Dockerfile`."""
    words = re.split(r"([/._-])", path)
    swapped = [
        "".join(new if word.lower() in DEV_NAMES else word for word in words)
        for new in ("prod", "production", "release")
    ]
    folder = posixpath.dirname(path)
    beside = [posixpath.join(folder, name) for name in _FOR_PRODUCTION]
    return tuple(dict.fromkeys(name for name in (*swapped, *beside) if name != path))
