"""What an image is built from, besides its context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage, with_ends
from devctl.domain.dockerfile.stages import named_stages, needed_by
from devctl.domain.regex import regex

_MOD = regex(r"(?:[^\s]*/)?go\.(?:mod|\*|m\*|mo\[d\])")
_ALL = (".", "./", "/", "*")


class Recipe(Struct, frozen=True):
    """The text of a Dockerfile, and of its .dockerignore."""

    dockerfile: str
    ignored: str


Recipes = Mapping[str, Recipe]
"""By service."""


def run_again(recipe: Recipe, lines: Iterable[int], word: str) -> Recipe:
    """The recipe with an argument before each of the lines: every command after it in that stage runs again if `word` differs
    from before, since the builder identifies a command by its arguments too.

    Not `--no-cache`: that reruns the commands of every stage, and empties the cache mounts too.
    """
    text = with_ends(recipe.dockerfile)
    for line in sorted(lines, reverse=True):
        text.insert(line - 1, f"ARG DEVCTL_AGAIN={word}\n")
    return replace(recipe, dockerfile="".join(text))


def deps_line(facts: DockerfileFacts, stage: Stage) -> int | None:
    """The line where the deps layer of a stage begins: the first that copies go.mod, else the first that copies the whole
    build context, including go.mod. None if there is neither."""
    lines = [i for each in needed_by(facts, stage) for i in each.instructions]
    found = (i.line for brings in (_brings_go_mod, _brings_all) for i in lines if brings(i))
    return next(found, None)


def _brings_go_mod(instruction: Instruction) -> bool:
    return instruction.cmd in ("COPY", "ADD") and any(map(_MOD.fullmatch, instruction.value[:-1]))


def _brings_all(instruction: Instruction) -> bool:
    if any(named_stages(instruction)):
        return False
    if instruction.cmd == "RUN":
        return any("type=bind" in flag for flag in instruction.flags)
    return instruction.cmd in ("COPY", "ADD") and any(w in _ALL for w in instruction.value[:-1])
