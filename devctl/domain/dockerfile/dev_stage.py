"""The stage of a Dockerfile to develop in, or why none can work."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devctl.domain.dockerfile.entrypoint import words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import (
    RELOADERS,
    chain,
    effective,
    external_base,
    golang_tag,
    is_dev,
    target_name,
)
from devctl.domain.dockerfile.walk import walk, working_dir
from devctl.domain.go.versions import air_problem, refuses
from devctl.errors import Problem

_AIR = re.compile(
    r"\bgo\s+(?:install|get)\s+(?:-\S+\s+)*(?P<module>github\.com/[\w-]+/air)(?P<version>@[\w.+-]+)?"
)
_STARTS_ONCE = re.compile(r"\bgo run\b|\bdlv (?:\S+ )*?(?:debug|exec)\b")


@dataclass(frozen=True, slots=True)
class DevStage:
    """`stage` None where there is none that can work; `reasons` says why, with the line."""

    stage: Stage | None
    reasons: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class AirInstall:
    stage: Stage
    instruction: Instruction
    module: str
    version: str

    @property
    def text(self) -> str:
        return f"{self.module}@{self.version}"


def air_installs(facts: DockerfileFacts, stages: tuple[Stage, ...]) -> Iterator[AirInstall]:
    for line in (line for stage in stages for line in walk(facts, stage) if line.stage is stage):
        for found in _AIR.finditer(line.filled(line.instruction.original)) if line.cmd == "RUN" else ():
            version = (found["version"] or "@latest")[1:]
            yield AirInstall(line.stage, line.instruction, found["module"], version)


def dev_stage(facts: DockerfileFacts, compose: Mapping[str, object], *, go: str = "") -> DevStage:
    """The stage to develop in, or None with the reasons: the caller then runs our own stage.

    `go` is the go line of go.mod, `compose` the resolved service: what it mounts, and what it runs in the container.
    """
    command = " ".join((*words_of(compose, "entrypoint"), *words_of(compose, "command")))
    named = [stage for stage in facts.stages if is_dev(stage)] or _reloading(facts, command)
    if not named:
        place = f"{facts.path}:{facts.stages[-1].line}"
        return DevStage(None, (_reason("no-dev-stage", f"{facts.path} has no dev stage", place),))
    build = compose.get("build")
    target = str(build.get("target") or "") if isinstance(build, Mapping) else ""
    stage = next((s for s in named if s.name and s.name.lower() == target.lower()), named[-1])
    reasons = (
        *_air_reasons(facts, stage),
        *_go_reasons(facts, stage, go),
        *_reload_reasons(facts, stage, command),
        *_mount_reasons(facts, stage, compose),
    )
    return DevStage(None if reasons else stage, reasons)


def _reloading(facts: DockerfileFacts, command: str) -> list[Stage]:
    """Stages that a tool which reloads is started in, though no name says what they are for: the last one does it itself
    (Dockerfile.dev has often but one), or the compose file starts one."""
    last = facts.stages[-1]
    lines = (effective(facts, last, cmd) for cmd in ("ENTRYPOINT", "CMD"))
    if any(line is not None and RELOADERS.search(" ".join(line.value)) for line in lines):
        return [last]
    return list(facts.stages) if RELOADERS.search(command) else []


def _air_reasons(facts: DockerfileFacts, stage: Stage) -> Iterator[Problem]:
    tag = golang_tag(external_base(facts, stage))
    for found in air_installs(facts, chain(facts, stage)):
        place = f"{facts.path}:{found.instruction.line}"
        if found.module == "github.com/cosmtrek/air":
            why = "github.com/cosmtrek/air is air's old path; it is called github.com/air-verse/air since v1.52.2"
            yield _reason("air-old-path", why, place)
        elif (problem := air_problem(found.text, tag)) is not None:
            yield _reason("air-cannot-build", problem, place)


def _go_reasons(facts: DockerfileFacts, stage: Stage, go: str) -> Iterator[Problem]:
    bottom = chain(facts, stage)[-1]
    if refuses(golang_tag(bottom.base) or "", go):
        message = f"go.mod asks for Go {go}, stage `{target_name(stage)}` is built on {bottom.base}"
        yield _reason("go-too-old", message, f"{facts.path}:{bottom.line}")


def _reload_reasons(facts: DockerfileFacts, stage: Stage, command: str) -> Iterator[Problem]:
    said = [command]
    for current in chain(facts, stage):
        said += [i.original for i in current.instructions if i.cmd in ("RUN", "CMD", "ENTRYPOINT", "COPY")]
    if _STARTS_ONCE.search(command) and not RELOADERS.search(command):
        said = []  # what is installed is not what is started
    if not any(RELOADERS.search(text) for text in said):
        message = f"stage `{target_name(stage)}` has no reloader (air)"
        yield _reason("dev-without-reload", message, f"{facts.path}:{stage.line}")


def _mount_reasons(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> Iterator[Problem]:
    if not _mounts_source(facts, stage, compose):
        message = (
            f"no volume brings the source into stage `{target_name(stage)}`, so that no edit would be seen"
        )
        yield _reason("dev-without-source", message, f"{facts.path}:{stage.line}")


def _reason(code: str, message: str, place: str) -> Problem:
    return Problem(
        code,
        f"{message}: devctl's own dev stage runs instead",
        f"no action needed; to have a stage of your own, `devctl init --diff` shows one ({place})",
        place,
    )


def _mounts_source(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> bool:
    """A bind mount of the folder that the stage works in, or of one above. `compose` is the resolved service."""
    # A relative one is below the image's own, as `docker run --workdir` has it.
    folder = posixpath.normpath(
        posixpath.join(working_dir(facts, stage), str(compose.get("working_dir") or ""))
    )
    volumes = compose.get("volumes")
    targets = [
        posixpath.normpath(str(volume["target"]))
        for volume in (volumes if isinstance(volumes, list) else [])
        if isinstance(volume, dict) and volume.get("type") == "bind"
    ]
    return any("$" in folder or f"{folder}/".startswith(f"{target.rstrip('/')}/") for target in targets)
