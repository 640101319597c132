"""Which words of a start command name a program that the Dockerfile builds: the first one that does is the program, whatever wraps
it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.go_build_lines import run_builds
from devctl.domain.dockerfile.stages import chain, find_stage, named_stages, needed_by
from devctl.domain.dockerfile.walk import Line, walk
from devctl.domain.regex import regex

_MOVES = regex(r"(?<![\w./-])(?:ln|mv|cp|install)\s([^&|;\n]*)")


class BuiltPrograms(Struct, frozen=True):
    """`names`: as built, copied, linked and moved; `paths`: where they are; `copied`: names of what comes from a stage that
    compiles, whatever wrote it there; `folder`: where a container of the stage is started. `known`: whether these are all;
    otherwise a shell, a pattern or a tool knows some of the names."""

    names: frozenset[str]
    paths: frozenset[str]
    copied: frozenset[str]
    folder: str
    known: bool

    def at(self, words: Sequence[str]) -> int | None:
        """The index of the program among these words: by its path, or by its name alone; the first word also by the name of
        what is copied."""
        for index, word in enumerate(words):
            if self._is(word) or (index == 0 and posixpath.basename(word) in self.names | self.copied):
                return index
        return None

    def _is(self, word: str) -> bool:
        if "/" not in word:
            return word in self.names
        return posixpath.normpath(posixpath.join(self.folder, word)) in self.paths


def built_programs(
    facts: DockerfileFacts, stage: Stage, args: Mapping[str, str], called: str = ""
) -> BuiltPrograms:
    """`called`: the folder of the service's main, whose name its program has unless a line names it."""
    near = sorted(needed_by(facts, stage), key=lambda each: each.index)
    of_stage = {each.index: list(run_builds(facts, each, args)) for each in near}
    builds = [build for each in of_stage.values() for build in each if build.output]
    named = [b for b in builds if not _only_told(b.binary)]
    names, copied = {build.binary for build in named} | ({called} - {"", "."}), set[str]()
    paths = {posixpath.join(b.output, b.binary) if b.in_folder else b.output for b in named}
    for line in (line for each in near for line in walk(facts, each, args)):
        for sources, target in _moved(line):
            place = line.path(target)
            if any(posixpath.basename(source) in names for source in sources) and not target.endswith("/"):
                names.add(posixpath.basename(place))
                paths.add(place)
            paths |= {posixpath.join(place, name) for name in names}
        froms = [find_stage(facts, name) for name in named_stages(line.instruction)]
        if line.cmd == "COPY" and any(
            s and any(of_stage.get(c.index) for c in chain(facts, s)) for s in froms
        ):
            copied |= {posixpath.basename(word) for word in line.words} - {"", ".", "*"}
    folder = next(reversed([line.folder for line in walk(facts, stage, args)]), "/")
    known = bool(builds) and len(named) == len(builds)
    return BuiltPrograms(frozenset(names), frozenset(paths), frozenset(copied), folder, known)


def _moved(line: Line) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a line copies from other stages, links or moves, and where to."""
    if line.cmd == "COPY" and list(named_stages(line.instruction)):
        yield line.words[:-1], line.words[-1]
    elif line.cmd == "RUN":
        for found in _MOVES.findall(line.filled(line.instruction.command)):
            words = tuple(word for word in found.split() if not word.startswith("-"))
            if len(words) > 1:
                yield words[:-1], words[-1]


def _only_told(name: str) -> bool:
    """Whether only a shell, a pattern or the module knows the name."""
    return "$" in name or name in ("", ".", "...")
