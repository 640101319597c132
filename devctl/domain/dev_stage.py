"""The stage of a Dockerfile to develop in, or why none can work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devctl.domain.gofacts import DockerfileFacts, Stage
from devctl.domain.goversion import air_problem, refuses
from devctl.domain.mounted import mounts_source
from devctl.domain.stages import (
    RELOADERS,
    air_installs,
    chain,
    effective,
    external_base,
    golang_tag,
    is_dev,
    target_name,
)
from devctl.errors import Problem


@dataclass(frozen=True, slots=True)
class DevStage:
    """`stage` None where there is none that can work; `reasons` says why, with the line."""

    stage: Stage | None
    reasons: tuple[Problem, ...] = ()


def dev_stage(facts: DockerfileFacts, compose: Mapping[str, object], *, go: str = "") -> DevStage:
    """The stage to develop in, or None with the reasons: the caller then runs our own stage.

    `go` is the go line of go.mod, `compose` the resolved service: what it mounts, and what it runs in the container.
    """
    named = [stage for stage in facts.stages if is_dev(stage)] or _reloading(facts)
    if not named:
        place = f"{facts.path}:{facts.stages[-1].line}"
        return DevStage(None, (_reason("no-dev-stage", f"{facts.path} has no dev stage", place),))
    build = compose.get("build")
    target = str(build.get("target") or "") if isinstance(build, Mapping) else ""
    stage = next((s for s in named if s.name and s.name.lower() == target.lower()), named[-1])
    reasons = (
        *_air_reasons(facts, stage),
        *_go_reasons(facts, stage, go),
        *_reload_reasons(facts, stage, str(compose.get("command") or "")),
        *_mount_reasons(facts, stage, compose),
    )
    return DevStage(None if reasons else stage, reasons)


def _reloading(facts: DockerfileFacts) -> list[Stage]:
    """A last stage that starts a tool which reloads, though no name says what it is for: Dockerfile.dev has often but one."""
    last = facts.stages[-1]
    lines = (effective(facts, last, cmd) for cmd in ("ENTRYPOINT", "CMD"))
    starts = any(line is not None and RELOADERS.search(" ".join(line.value)) for line in lines)
    return [last] if starts else []


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
    if not any(RELOADERS.search(text) for text in said):
        message = f"stage `{target_name(stage)}` has no tool that reloads (air)"
        yield _reason("dev-without-reload", message, f"{facts.path}:{stage.line}")


def _mount_reasons(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> Iterator[Problem]:
    if not mounts_source(facts, stage, compose):
        message = (
            f"no volume brings the source into stage `{target_name(stage)}`, so that no edit would be seen"
        )
        yield _reason("dev-without-source", message, f"{facts.path}:{stage.line}")


def _reason(code: str, message: str, place: str) -> Problem:
    return Problem(
        code,
        f"{message}: devctl's own dev stage runs instead",
        f"nothing must be done; to have a stage of your own, `devctl init --diff` shows one ({place})",
        place,
    )
