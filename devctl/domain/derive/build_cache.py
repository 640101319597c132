"""A user's own build stage compiles the standard library only once: its lines get a cache that outlives them.

Only in stages that the image is not based on, so that every file of the image is the same as without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage, with_ends
from devctl.domain.dockerfile.stages import chain, external_base, find_stage, golang_tag
from devctl.domain.go.go_command import GO, PLACES_CACHE
from devctl.domain.regex import regex

MOUNT = "--mount=type=cache,target=/root/.cache/go-build"
"""Where Go keeps it for root. The builder stores a cache by its target, separately for each project (`CACHE_SCOPE`)."""
_COMPILES = regex(rf"{GO}(?:build|install|run|generate|test|vet|tool)\b|\bmake\b|\bmage\b|\btask\b|\.sh\b")
_RUN = regex(r"^(\s*RUN)\b", re.IGNORECASE)
_ROOT = frozenset({"root", "0", "root:root", "0:0"})


def with_build_cache(facts: DockerfileFacts, target: str) -> str:
    """The text of a Dockerfile from which the stage `target` (the last one if "") is built."""
    lines = with_ends(facts.text)
    final = find_stage(facts, target) or next(reversed(facts.stages), None)
    if final is None:
        return facts.text
    below = {stage.index for stage in chain(facts, final)}
    for stage in facts.stages:
        if stage.index not in below and golang_tag(external_base(facts, stage)) and _as_root(facts, stage):
            for line in _compiling(stage):
                lines[line - 1] = _RUN.sub(rf"\1 {MOUNT}", lines[line - 1], count=1)
    return "".join(lines)


def without_build_cache(said: str) -> str:
    """How a builder reports such a line, as the user wrote it."""
    return said.replace(f"{MOUNT} ", "")


def _as_root(facts: DockerfileFacts, stage: Stage) -> bool:
    """Whether Go's cache is where root has it, in the whole stage."""
    lines = [i for s in chain(facts, stage) for i in s.instructions]
    users = (" ".join(i.value) for i in lines if i.cmd == "USER")
    moved = any(i.cmd in ("ENV", "ARG", "RUN") and PLACES_CACHE.search(i.original) for i in lines)
    return not moved and all(user in _ROOT for user in users)


def _compiling(stage: Stage) -> Iterator[int]:
    for i in stage.instructions:
        cached = any("type=cache" in flag and "go-build" in flag for flag in i.flags)
        if i.cmd == "RUN" and not cached and _COMPILES.search(f"{i.original}\n{' '.join(i.value)}\n{i.runs}"):
            yield i.line
