"""What an image is built by, beside its context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage, with_ends
from devctl.domain.dockerfile.stages import needed_by

_MOD = re.compile(r"(?:[^\s]*/)?go\.(?:mod|\*|m\*|mo\[d\])")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The text of a Dockerfile, and of the .dockerignore that belongs to it."""

    dockerfile: str
    ignored: str


Recipes = Mapping[str, Recipe]
"""By service."""


def run_again(recipe: Recipe, lines: Iterable[int], word: str) -> Recipe:
    """The recipe with an argument before each of the lines: every command behind it in that stage runs again where `word` is
    another one than before, since the builder knows a command by its arguments too.

    Not `--no-cache`: that runs the commands of every stage again, and empties the cache mounts too.
    """
    text = with_ends(recipe.dockerfile)
    for line in sorted(lines, reverse=True):
        text.insert(line - 1, f"ARG DEVCTL_AGAIN={word}\n")
    return replace(recipe, dockerfile="".join(text))


def deps_line(facts: DockerfileFacts, stage: Stage) -> int | None:
    """The line where the deps layer of a stage begins: the first that brings go.mod. None where nothing brings it alone."""
    for each in needed_by(facts, stage):
        for instruction in each.instructions:
            if instruction.cmd in ("COPY", "ADD") and any(map(_MOD.fullmatch, instruction.value[:-1])):
                return instruction.line
    return None
