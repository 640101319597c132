"""The stage of a Dockerfile to develop in, or why none of them can work."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from devctl.domain.dockerfile.entrypoint import words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import (
    RELOADERS,
    chain,
    effective,
    golang_tag,
    is_dev,
    target_name,
)
from devctl.domain.dockerfile.walk import given_target, walk, working_dir
from devctl.domain.go.go_command import GO
from devctl.domain.go.versions import air_problem, refuses
from devctl.domain.paths import is_below
from devctl.domain.regex import regex
from devctl.errors import Problem

_AIR = regex(rf"{GO}(?:install|get)\s+(?:-\S+\s+)*(?P<module>github\.com/[\w-]+/air)(?P<version>@[\w.+-]+)?")
_STARTS_ONCE = regex(rf"{GO}run\b|\bdlv (?:\S+ )*?(?:debug|exec)\b")


class DevStage(Struct, frozen=True):
    """`stage` is None if none can work; `reasons` says why, with the line."""

    stage: Stage | None
    reasons: tuple[Problem, ...] = ()


class AirInstall(Struct, frozen=True):
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


def dev_stage(
    facts: DockerfileFacts, compose: Mapping[str, object], *, go: str = "", packages: Iterable[str] = ()
) -> DevStage:
    """The stage to develop in, or None with the reasons: the caller then uses devctl's own stage.

    `go` is the go line of go.mod, `compose` the resolved service: what it mounts, and what it runs in the container; `packages`:
    the folders that the program is compiled from, relative to its module.
    """
    command = " ".join((*words_of(compose, "entrypoint"), *words_of(compose, "command")))
    named = [stage for stage in facts.stages if is_dev(stage)] or _reloading(facts, command)
    if not named:
        place = f"{facts.path}:{facts.stages[-1].line}"
        return DevStage(None, (_reason("no-dev-stage", f"{facts.path} has no dev stage", place),))
    target = given_target(compose)
    stage = next((s for s in named if s.name and s.name.lower() == target.lower()), named[-1])
    reasons = tuple(_reasons(facts, stage, compose, go=go, command=command, packages=tuple(packages)))
    return DevStage(None if reasons else stage, reasons)


def _reloading(facts: DockerfileFacts, command: str) -> list[Stage]:
    """Stages in which a reloader is started although no name says what they are for: the last one does it itself
    (Dockerfile.dev often has only one), or the compose file starts one."""
    last = facts.stages[-1]
    lines = (effective(facts, last, cmd) for cmd in ("ENTRYPOINT", "CMD"))
    if any(line is not None and RELOADERS.search(" ".join(line.value)) for line in lines):
        return [last]
    return list(facts.stages) if RELOADERS.search(command) else []


def _reasons(
    facts: DockerfileFacts,
    stage: Stage,
    compose: Mapping[str, object],
    *,
    go: str,
    command: str,
    packages: tuple[str, ...],
) -> Iterator[Problem]:
    """Why it cannot work."""
    here, bottom = f"{facts.path}:{stage.line}", chain(facts, stage)[-1]
    tag = golang_tag(bottom.base)
    for found in air_installs(facts, chain(facts, stage)):
        place = f"{facts.path}:{found.instruction.line}"
        if found.module == "github.com/cosmtrek/air":
            why = "github.com/cosmtrek/air is air's old path; it is called github.com/air-verse/air since v1.52.2"
            yield _reason("air-old-path", why, place)
        elif (problem := air_problem(found.text, tag)) is not None:
            yield _reason("air-cannot-build", problem, place)
    if refuses(tag or "", go):
        message = f"go.mod requires Go {go}, but stage `{target_name(stage)}` is built on {bottom.base}"
        yield _reason("go-too-old", message, f"{facts.path}:{bottom.line}")
    if not _reloads(facts, stage, command):
        yield _reason("dev-without-reload", f"stage `{target_name(stage)}` has no reloader (air)", here)
    if not _mounts_source(facts, stage, compose, packages):
        why = f"no volume mounts the source into stage `{target_name(stage)}`, so edits would not be seen"
        yield _reason("dev-without-source", why, here)


def _reloads(facts: DockerfileFacts, stage: Stage, command: str) -> bool:
    """Whether the command starts a reloader, or the stage has one that it may start."""
    if RELOADERS.search(command) or _STARTS_ONCE.search(command):
        return RELOADERS.search(command) is not None
    lines = (i for s in chain(facts, stage) for i in s.instructions)
    said = (i.original for i in lines if i.cmd in ("RUN", "CMD", "ENTRYPOINT", "COPY"))
    return any(RELOADERS.search(text) for text in said)


def _reason(code: str, message: str, place: str) -> Problem:
    return Problem(
        code,
        f"{message}: using devctl's own dev stage instead",
        f"no action needed; for a stage of your own, `devctl init --diff` shows one to start from ({place})",
        place,
    )


def _mounts_source(
    facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object], packages: tuple[str, ...]
) -> bool:
    """A bind mount of the stage's working directory or of one of its parents, or mounts below it that together have all of the
    packages. `compose` is the resolved service."""
    # A relative one is below the image's own, as with `docker run --workdir`.
    folder = posixpath.normpath(
        posixpath.join(working_dir(facts, stage), str(compose.get("working_dir") or ""))
    )
    volumes = compose.get("volumes")
    targets = {
        posixpath.normpath(str(volume["target"])): str(volume.get("source"))
        for volume in (volumes if isinstance(volumes, list) else [])
        if isinstance(volume, dict) and volume.get("type") == "bind"
    }
    if any("$" in folder or is_below(folder, target) for target in targets):
        return True
    # `./cmd:/app/cmd`, at the same place below the source as below the working directory.
    inside = {posixpath.relpath(at, folder): source for at, source in targets.items() if is_below(at, folder)}
    have = [at for at, source in inside.items() if source.endswith(f"/{at}")]
    return packages != () and all(any(is_below(package, at) for at in have) for package in packages)
