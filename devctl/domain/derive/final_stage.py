"""What the user's final stage adds to the build stage if both become one dev stage: its lines, word for word and in order.

What it copies from the source becomes a link to the mounted source, so that edits are seen; a program becomes a script that
builds it from the source.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from msgspec import Struct, field

from devctl.domain.derive.build_stage import BuildStage, brings_source, only_manifests
from devctl.domain.derive.run_lines import commands, compiles, installs
from devctl.domain.dockerfile.facts import Instruction, Stage
from devctl.domain.dockerfile.stages import (
    chain,
    effective,
    external_base,
    find_stage,
    has_shell,
    named_stages,
    needed_by,
)
from devctl.domain.dockerfile.walk import Line, walk
from devctl.domain.regex import regex

CONTEXT = "/devctl/context"
"""Where the build context is while links are created."""
_SHELL = 'SHELL ["/bin/sh", "-c"]'
"""The builder's default: what runs a shell form if no line says otherwise."""
_RUN = regex(r"^\s*RUN\s+", re.IGNORECASE)
PLAIN = regex(r"[\w./+@-]+")
"""A path that is the same in a flag, a variable and a shell."""


class Link(Struct, frozen=True):
    """Files of the build context (`.` is all of it), and where they are in the image: in a folder if it ends with `/`."""

    sources: tuple[str, ...]
    target: str


class FinalStage(Struct, frozen=True):
    """`programs`: their paths → the package that each is built from; `folder`: where a container is started; `also`: stages
    and images that `lines` name; `left_out`: what does not apply in the dev stage."""

    lines: tuple[str, ...]
    programs: Mapping[str, str]
    links: tuple[Link, ...]
    folder: str
    also: tuple[str, ...] = ()
    left_out: tuple[Instruction, ...] = ()


def final_stage(build: BuildStage, final: Stage, *, context: str) -> FinalStage:
    """`context`: where the build context is in a dev container."""
    reading = _Reading(build, context)
    facts = build.original.facts
    if build.stage not in chain(facts, final) and effective(facts, build.stage, "SHELL") is not None:
        reading.lines.append(_SHELL)  # that of the build stage applies only to that stage
    for line in walk(facts, final, build.args):
        reading.read(line)
    return FinalStage(
        tuple(reading.lines),
        reading.programs,
        tuple(reading.links),
        reading.here if reading.here.isprintable() else "/",
        tuple(reading.also),
        tuple(reading.left_out),
    )


class _Reading(Struct):
    """Line by line; `here`: the working directory."""

    build: BuildStage
    context: str
    here: str = "/"
    lines: list[str] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    left_out: list[Instruction] = field(default_factory=list)

    def read(self, line: Line) -> None:
        stage, instruction, self.here = line.stage, line.instruction, line.folder
        if self.build.holds(stage) and self.build.keeps(stage, instruction):
            return  # the dev stage is already based on it
        match instruction.cmd:
            case "WORKDIR" if "$" not in self.here and self.here.isprintable():
                self.lines.append(f"WORKDIR {self.here}")
            case "ENV" | "ARG" | "SHELL" | "STOPSIGNAL" | "WORKDIR":
                self._as_it_stands(stage, instruction)
            case "VOLUME":
                self._volumes(line)
            case "COPY" | "ADD" if brings_source(instruction):
                *sources, target = line.words
                if not "".join(line.words).isprintable():  # a line break in it would begin another line
                    self.left_out.append(instruction)
                elif not only_manifests(instruction):
                    self._link(tuple(map(posixpath.normpath, sources)), target)
            case "COPY" | "ADD":
                self._copy(line)
            case "RUN":
                self._run(stage, instruction)

    def _as_it_stands(self, stage: Stage, instruction: Instruction) -> None:
        self.lines.append(self.build.original.instruction(stage, instruction))
        self.also += named_stages(instruction)

    def _run(self, stage: Stage, instruction: Instruction) -> None:
        """The build line puts the programs in place; other lines apply if the build stage has the same packages."""
        if self.build.holds(stage):
            if any(map(compiles, commands(instruction))) and stage.index == self.build.stage.index:
                for path, package in self.build.programs():
                    self._program(path, package)
            return
        facts = self.build.original.facts
        base = external_base(facts, stage)
        if not has_shell(base) or packages_of(base) != packages_of(external_base(facts, self.build.stage)):
            self.left_out.append(instruction)
        elif not self.links or all(map(installs, commands(instruction))):
            self._as_it_stands(stage, instruction)
        else:  # `chown -R app /srv`: what is linked has to exist, and is not changed
            self._as_it_stands(stage, instruction)
            self.lines[-1] = _RUN.sub(
                rf"\g<0>--mount=type=bind,target={self.context},rw ", self.lines[-1], count=1
            )

    def _volumes(self, line: Line) -> None:
        """A volume would hide what later lines put there, and belong to root."""
        for path in map(line.path, line.instruction.value):
            if PLAIN.fullmatch(path):
                self.lines.append(f"RUN mkdir -p {path} && chmod 1777 {path}")

    def _copy(self, line: Line) -> None:
        """From another stage, an image or an address."""
        facts, stage, instruction = self.build.original.facts, line.stage, line.instruction
        names = tuple(named_stages(instruction))
        source = find_stage(facts, names[0]) if names else None
        if source is None or not any(s.index == self.build.stage.index for s in needed_by(facts, source)):
            if source is not None and any(map(_builds, needed_by(facts, source))):
                # A frontend: its builder and its packages are not needed to develop in Go.
                self.left_out.append(instruction)
            else:
                self._as_it_stands(stage, instruction)
        elif self.build.stage in chain(facts, source):
            *words, target = line.words
            given = any(flag.startswith("--chown") for flag in instruction.flags)
            for word in words:
                self._from_build(word, target, several=len(words) > 1, given=given)
        else:
            self.left_out.append(instruction)

    def _from_build(self, word: str, target: str, *, several: bool, given: bool) -> None:
        """A program that was built there, files of the source, or what the build stage has anyway. `given`: to the image's
        user, who may write there; so may the developer."""
        path, place = posixpath.normpath(posixpath.join(self.build.folder, word)), self._path(target)
        folder = several or self._is_folder(target)
        programs = [
            (_lies(output, path, place, folder=folder), package)
            for output, package in self.build.programs()
            if fnmatchcase(output, path) or output.startswith(f"{path.rstrip('/')}/")
        ]
        inside = self.build.in_context(path)
        if inside is not None and (not programs or path == self.build.top):
            self._link((inside,), target)
        for lies, package in programs:
            self._program(lies, package)
        same = path == (posixpath.join(place, posixpath.basename(path)) if folder else place)
        if not programs and inside is None and not same and PLAIN.fullmatch(path) and PLAIN.fullmatch(place):
            made = place if folder else posixpath.dirname(place)
            theirs = f" && chmod -R a+rwX {place}" if given else ""
            self.lines.append(
                f"RUN [ ! -e {path} ] || {{ mkdir -p {made} && cp -R {path} {place}{theirs}; }}"
            )

    def _program(self, path: str, package: str) -> None:
        if not PLAIN.fullmatch(path) or not PLAIN.fullmatch(package):
            return
        self.programs[path] = package
        starts = f"reload {path}" if package == self.build.package else f"once {package}"
        self.lines.append(f"RUN /devctl/program {path} {starts}")

    def _link(self, sources: tuple[str, ...], target: str) -> None:
        place = self._path(target)
        place += "/" if place != "/" and (len(sources) > 1 or self._is_folder(target)) else ""
        self.links.append(Link(sources, place))
        words = " ".join(_quoted(word) for word in (place, *sources))
        mounts = " ".join(dict.fromkeys(map(_mounted, sources)))
        self.lines.append(f"RUN {mounts} /devctl/link {words}")

    def _is_folder(self, target: str) -> bool:
        return target.endswith("/") or self._path(target) in ("/", self.here)

    def _path(self, word: str) -> str:
        return posixpath.normpath(posixpath.join(self.here, word))


def _builds(stage: Stage) -> bool:
    """Whether it does more than install something."""
    lines = (i for i in stage.instructions if i.cmd == "RUN")
    return any(not installs(command) for line in lines for command in commands(line))


def _lies(output: str, path: str, place: str, *, folder: bool) -> str:
    """Where a program is after `COPY path place`."""
    if output.startswith(f"{path.rstrip('/')}/"):  # a folder: its content is copied
        return posixpath.join(place, posixpath.relpath(output, path))
    return posixpath.join(place, posixpath.basename(output)) if folder else place


def _mounted(source: str) -> str:
    """No more of the build context than is linked, since the whole may be large. For a pattern, its folder."""
    while any(c in source for c in "*?[ ,"):
        source = posixpath.dirname(source)
    path = source.strip("/") or "."
    return f"--mount=type=bind,source={path},target={posixpath.normpath(posixpath.join(CONTEXT, path))}"


def _quoted(word: str) -> str:
    return word if PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def packages_of(ref: str) -> str:
    """What installs packages on an image: `apk`, `apt`, or unknown."""
    if "alpine" in ref:
        return "apk"
    return (
        "apt"
        if re.search(r"golang|debian|ubuntu|slim|bookworm|bullseye|trixie|buster|jammy|noble", ref)
        else ref
    )
