"""Which words of a start command name a program that the Dockerfile builds: the first one that does is the program, whatever wraps
it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from msgspec import Struct

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.go_build_lines import run_builds
from devctl.domain.dockerfile.stages import named_stages, needed_by
from devctl.domain.dockerfile.walk import walk


class BuiltPrograms(Struct, frozen=True):
    """`names`: as built, and as copied into the stage; `paths`: where they are in it; `folder`: where a container of it is
    started. `known`: whether these are all; otherwise a shell, a pattern or a tool knows some of the names."""

    names: frozenset[str]
    paths: frozenset[str]
    folder: str
    known: bool

    def at(self, words: Sequence[str]) -> int | None:
        """The index of the program among these words: by its path, or by its name alone; the first word also by the name in
        another folder."""
        for index, word in enumerate(words):
            if self._is(word) or (index == 0 and posixpath.basename(word) in self.names):
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
    near = needed_by(facts, stage)
    builds = [build for each in near for build in run_builds(facts, each, args)]
    named = [b for b in builds if b.output and not _only_told(b.binary)]
    names = {build.binary for build in named} | ({called} - {"", "."})
    paths = {posixpath.join(b.output, b.binary) if b.in_folder else b.output for b in named}
    folder = "/"
    for line in walk(facts, stage, args):
        folder = line.folder
        if line.cmd != "COPY" or not list(named_stages(line.instruction)):
            continue
        *sources, target = line.words
        place = line.path(target)
        if any(posixpath.basename(source) in names for source in sources) and not target.endswith("/"):
            names.add(posixpath.basename(place))
            paths.add(place)
        paths |= {posixpath.join(place, name) for name in names}
    known = bool(builds) and len(named) == len([b for b in builds if b.output])
    return BuiltPrograms(frozenset(names), frozenset(paths), folder, known)


def _only_told(name: str) -> bool:
    """Whether only a shell, a pattern or the module knows the name."""
    return "$" in name or name in ("", ".", "...")
