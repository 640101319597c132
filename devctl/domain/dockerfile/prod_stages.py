"""Which stages of a Dockerfile are for production, the default one first."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from msgspec.structs import replace

from devctl.domain.dockerfile.entrypoint import begun_words, only_develops, program_names, programs, words_of
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.purpose import brought, last_for_production
from devctl.domain.dockerfile.stages import (
    RELOADERS,
    base_kind,
    chain,
    effective,
    find_stage,
    is_dev,
    target_name,
)
from devctl.domain.dockerfile.walk import given_target
from devctl.domain.go.go_command import go_verb
from devctl.errors import Problem

PROD_NAMES = "prod production release final runner runtime run app deploy server default".split()


def prod_stages(facts: DockerfileFacts, compose: Mapping[str, object] | None = None) -> dict[str, str]:
    """Stage by kind of base (`kind_of`), the default one first: that which a build without a target makes, unless it starts
    nothing. Names decide for the other kinds only, and what the default is built on is a part of it.

    A stage without a name is referred to by its index, as with `--target`. `compose`: the service, which may name one of
    several; then those that start another program do not count.
    """
    compose = compose or {}
    candidates = [s for s in facts.stages if not is_dev(s) and _may_run(facts, s, compose)]
    asked = asked_stage(facts, compose)
    if asked is not None:
        names = program_names(facts, asked)
        same = [s for s in candidates if s is not asked and names & program_names(facts, s)]
        candidates = [*same, asked]
    chosen: dict[str, Stage] = {}
    for default in candidates[-1:]:
        below = chain(facts, default)
        others = [s for s in candidates if s not in below]
        for stage in (default, *sorted(others, key=_rank)):
            chosen.setdefault(base_kind(facts, stage), stage)
    return {kind: target_name(stage) for kind, stage in chosen.items()}


def asked_stage(facts: DockerfileFacts, compose: Mapping[str, object]) -> Stage | None:
    """The stage that a compose service names (`build.target`), if it may run in production."""
    target = given_target(compose)
    found = find_stage(facts, target) if target else None
    return found if found is not None and not is_dev(found) and _starts(facts, found, compose) else None


def up_to_asked(facts: DockerfileFacts, compose: Mapping[str, object]) -> DockerfileFacts:
    """The Dockerfile without what follows the stage that the compose file names."""
    stage = asked_stage(facts, compose)
    return facts if stage is None else replace(facts, stages=facts.stages[: stage.index + 1])


def _starts(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> bool:
    """It starts something that was built here, or the compose file starts that in it."""
    own = any(effective(facts, stage, cmd) is not None for cmd in ("ENTRYPOINT", "CMD"))
    said = (*words_of(compose, "entrypoint"), *words_of(compose, "command"))
    starts = own or (said != () and not only_develops(said))
    return starts and _compiles_at_start(facts, stage) is None and brought(facts, stage) is None


def _may_run(facts: DockerfileFacts, stage: Stage, compose: Mapping[str, object]) -> bool:
    """Named like a production stage, or the last one; it must start something that was built."""
    is_last = stage.index == max((s.index for s in facts.stages if not is_dev(s)), default=-1)
    return _starts(facts, stage, compose) and (is_last or _prod_name(stage) is not None)


def _compiles_at_start(facts: DockerfileFacts, stage: Stage) -> Instruction | None:
    """The line with which a container compiles the program each time: it needs Go, the source and a writable disk."""
    for part in programs(begun_words(facts, stage, {})):
        for words in (part, *(part[at + 1 :] for at, word in enumerate(part) if word == "--")):
            if go_verb(words) == "run" or RELOADERS.fullmatch(posixpath.basename("".join(words[:1]))):
                return effective(facts, stage, "ENTRYPOINT") or effective(facts, stage, "CMD")
    return None


def no_prod_stage(facts: DockerfileFacts) -> Problem:
    """Why devctl's own production stage is used if the Dockerfile has none, with the line that is the cause."""
    last = last_for_production(facts)
    line = brought(facts, last)
    if line is not None:
        return Problem(
            "built-outside",
            f"`{' '.join(line.original.split())}` copies a program that is built outside Docker: devctl's own production stage "
            "builds it here instead",
            "no action needed; for a stage of your own, `devctl init --diff` shows one to start from",
            f"{facts.path}:{line.line}",
        )
    line = _compiles_at_start(facts, last)
    said = f"{facts.path} has no production stage that starts the built program"
    if line is not None:
        said = f"`{' '.join(line.original.split())}` compiles at each start, which is only for development"
    return Problem(
        "no-prod-stage" if line is None else "compiles-at-start",
        f"{said}: using devctl's own production stage instead",
        "no action needed; for a stage of your own, `devctl init --diff` shows one to start from",
        f"{facts.path}:{last.line if line is None else line.line}",
    )


def _prod_name(stage: Stage) -> int | None:
    head = re.split(r"[-_.]", stage.name.lower())[0]
    return PROD_NAMES.index(head) if head in PROD_NAMES else None


def _rank(stage: Stage) -> tuple[int, int, int]:
    named = _prod_name(stage)
    return (0 if "-" in stage.name else 1, len(PROD_NAMES) if named is None else named, -stage.index)
