"""Facts read from a Dockerfile by an adapter: its stages and their instructions."""

from __future__ import annotations

import re

from msgspec import Struct, field

from devctl.domain.regex import regex

_LINE = regex(r"[^\n]*\n|[^\n]+")
_RUN = regex(r"^\s*RUN\s+(?:--\S+\s+)*", re.IGNORECASE)


class Instruction(Struct, frozen=True):
    """One Dockerfile instruction. `cmd` is upper case; `json` means exec form; lines count from 1. `runs`: what a build tool
    that it calls runs, if that was read."""

    cmd: str
    value: tuple[str, ...]
    flags: tuple[str, ...]
    json: bool
    line: int
    original: str
    runs: str = ""

    @property
    def command(self) -> str:
        """What a RUN gives to a shell, or starts: without its flags, joined into one line."""
        return " ".join(self.value) if self.json else _RUN.sub("", self.original.replace("\\\n", " "))


class Stage(Struct, frozen=True):
    """`FROM base AS name`: `base` is the reference with ARG defaults substituted, `index` counts from 0. `arg`: the global ARG
    whose value is the whole reference, as in `FROM ${GO_IMAGE}`."""

    name: str
    base: str
    index: int
    line: int
    instructions: tuple[Instruction, ...]
    arg: str = ""


class DockerfileFacts(Struct, frozen=True):
    """`global_args`: the ARGs before the first FROM, with their values; `arg_lines`: their lines."""

    path: str
    stages: tuple[Stage, ...]
    global_args: dict[str, str]
    text: str = ""
    arg_lines: dict[str, int] = field(default_factory=dict)

    def stage(self, name: str) -> Stage | None:
        return next((s for s in self.stages if s.name.lower() == name.lower()), None)


def with_ends(text: str) -> list[str]:
    """The lines of a Dockerfile as its builder counts them: a form feed ends none, unlike with `str.splitlines`."""
    return _LINE.findall(text)


def lines_of(text: str) -> list[str]:
    """The same without line ends."""
    return [line.removesuffix("\n").removesuffix("\r") for line in with_ends(text)]
