"""What the user's final stage adds to the build stage if both become one dev stage: its lines, word for word and in order.

What it copies from the source is copied, so that nothing in the container writes to the source; what is saved later is copied
to the same places before the program starts again. A program becomes a script that builds it from the source.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.derive.build_stage import BuildStage, brings_source, only_manifests
from devctl.domain.derive.run_lines import adds, commands, compiles, installs, makes, parts, places
from devctl.domain.dockerfile.facts import Instruction, Stage
from devctl.domain.dockerfile.purpose import of_another_language
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

_SHELL = 'SHELL ["/bin/sh", "-c"]'
"""The builder's default: what runs a shell form if no line says otherwise."""
_OWNER = regex(r"\s--chown=\S+")
"""Files belong to root in a dev stage and can be written by whoever develops: a user of another image is unknown in it."""
_CALLED = regex(r"^(?:\w+=\S*\s+)*([^\s<>]+)")
STOP_SIGNAL = "DEVCTL_STOP_SIGNAL"
"""The variable with the signal that asks the program to stop; a dev container itself always gets TERM."""
PLAIN = regex(r"[\w./+@-]+")
"""A path that is the same in a flag, a variable and a shell."""


class Copied(Struct, frozen=True):
    """Files of the build context (`.` is all of it), and where they are in the image: in a folder if it ends with `/`.
    `parents`: below it by their whole path; `known`: not everything that is there now would be copied."""

    sources: tuple[str, ...]
    target: str
    parents: bool = False
    known: bool = False


def copied_places(copies: Iterable[Copied], context: str) -> Iterator[tuple[str, str]]:
    """Where in the image is what of the project: a file by its name, the content of a folder, what fits a pattern."""
    for each in copies:
        target = posixpath.normpath(each.target)
        for source in each.sources:
            path = posixpath.normpath(posixpath.join(context, source))
            folder, name = posixpath.split(path)
            if any(c in name for c in "*?["):
                yield target, folder or "."
                continue
            yield target, path
            if each.target.endswith("/"):
                yield posixpath.join(target, name), path


class FinalStage(Struct, frozen=True):
    """`programs`: their paths → the package that each is built from; `folder`: where a container is started; `alone`: lines
    that copy the files of `copies`, and nothing else, to the same places; `also`: stages and images that `lines` name;
    `left_out`: what does not apply in the dev stage; `user`: whom the image runs as, "" if that is a variable."""

    lines: tuple[str, ...]
    programs: Mapping[str, str]
    copies: tuple[Copied, ...]
    folder: str
    alone: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    left_out: tuple[Instruction, ...] = ()
    user: str = ""


def final_stage(build: BuildStage, final: Stage) -> FinalStage:
    reading = _Reading(build)
    facts = build.original.facts
    if build.stage not in chain(facts, final) and effective(facts, build.stage, "SHELL") is not None:
        reading.lines.append(_SHELL)  # that of the build stage applies only to that stage
    for line in walk(facts, final, build.args):
        reading.read(line)
    said = effective(facts, final, "USER")
    user = said.value[0].partition(":")[0] if said is not None else "root"
    return FinalStage(
        tuple(reading.lines),
        reading.programs,
        tuple(reading.copies),
        reading.here if reading.here.isprintable() else "/",
        tuple(reading.alone),
        tuple(reading.also),
        tuple(reading.left_out),
        user if PLAIN.fullmatch(user) else "",
    )


class _Reading(Struct):
    """Line by line; `here`: the working directory, `there`: that of `lines` so far."""

    build: BuildStage
    here: str = "/"
    there: str = "/"
    lines: list[str] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)
    copies: list[Copied] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    left_out: list[Instruction] = field(default_factory=list)

    def read(self, line: Line) -> None:
        stage, instruction, self.here = line.stage, line.instruction, line.folder
        if self.build.holds(stage) and self.build.keeps(stage, instruction):
            return  # the dev stage is already based on it
        known = "$" not in self.here and self.here.isprintable()
        if self.build.holds(stage) and known and self.here != self.there:
            self.lines.append(f"WORKDIR {self.here}")  # that of the build stage, whose own line is above
            self.there = self.here
        match instruction.cmd:
            case "WORKDIR" if known:
                self.lines.append(f"WORKDIR {self.here}")
                self.there = self.here
            case "ENV" | "ARG" | "SHELL" | "WORKDIR":
                self._as_it_stands(stage, instruction)
            case "STOPSIGNAL":  # for the program: the reloader is always stopped in the same way
                said = line.filled(instruction.value[0])
                self.lines.append(f"ENV {STOP_SIGNAL}={said if '$' in said else said.upper()}")
            case "VOLUME":
                self._volumes(line)
            case "COPY" | "ADD" if brings_source(instruction):
                if not only_manifests(instruction):
                    self._from_context(line)
            case "COPY" | "ADD":
                self._copy(line)
            case "RUN":
                self._run(stage, instruction)

    def _as_it_stands(self, stage: Stage, instruction: Instruction) -> None:
        self.lines.append(self.build.original.instruction(stage, instruction))
        self.also += named_stages(instruction)

    def _run(self, stage: Stage, instruction: Instruction) -> None:
        """The build line puts the programs in place; other lines apply if the build stage has the same packages, or if every
        system can run them. A program is not there before the container is started, so no line can call it."""
        said = tuple(parts(instruction))
        if self.build.holds(stage):
            if any(map(compiles, commands(instruction))):
                if stage.index == self.build.stage.index:
                    for path, package in self.build.programs():
                        self._program(path, package)
                    self._leave_out(self.build.others())
                    self._besides(instruction, said)
            elif self.build.is_behind(stage, instruction):
                kept = all(places(each) or adds(each) for each in said)
                self._as_it_stands(stage, instruction) if kept else self.left_out.append(instruction)
            return
        facts = self.build.original.facts
        base = external_base(facts, stage)
        same = packages_of(base) == packages_of(external_base(facts, self.build.stage))
        if not has_shell(base) or any(map(self._calls, said)) or not (same or all(map(places, said))):
            self.left_out.append(instruction)
        else:
            self._as_it_stands(stage, instruction)

    def _besides(self, line: Instruction, said: tuple[str, ...]) -> None:
        """What the line does after it has compiled, with something else than the programs, which are there already."""
        last = max((n for n, each in enumerate(said) if compiles(each)), default=len(said))
        left = [each for each in said[last + 1 :] if makes(each) and not self._handles(each)]
        if not left or line.json or "<<" in line.command:
            return
        if all(map(places, left)) and not re.search(r"\bcd\s|\|", line.command):
            self.lines.append(f"RUN {' && '.join(left)}")
        else:
            self._leave_out((line,))

    def _handles(self, command: str) -> bool:
        return any(self._path(word.strip("\"'")) in self.programs for word in command.split())

    def _calls(self, command: str) -> bool:
        """Whether it starts a program that is built from the source."""
        word = _CALLED.match(command)
        return word is not None and any(
            word[1] in (path, posixpath.basename(path)) or self._path(word[1]) == path
            for path in self.programs
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
            if source is not None and any(map(_builds_source, needed_by(facts, source))):
                # A frontend: its builder and its packages are not needed to develop in Go. What is made of the source would
                # have to be made again at each save.
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
        self._leave_out(self.build.others(path))
        if path != self.build.top:
            made = self.build.made_by(path, besides=programs != [])
            self._leave_out(made if programs else islice(made, 1))
        if inside is not None and (not programs or path == self.build.top):
            self._copied_as(inside, target)
        for lies, package in programs:
            self._program(lies, package)
        same = path == (posixpath.join(place, posixpath.basename(path)) if folder else place)
        if not programs and inside is None and not same and PLAIN.fullmatch(path) and PLAIN.fullmatch(place):
            parent = place if folder else posixpath.dirname(place)
            theirs = f" && chmod -R a+rwX {place}" if given else ""
            self.lines.append(
                f"RUN [ ! -e {path} ] || {{ mkdir -p {parent} && cp -R {path} {place}{theirs}; }}"
            )

    def _leave_out(self, lines: Iterable[Instruction]) -> None:
        self.left_out += [line for line in dict.fromkeys(lines) if line not in self.left_out]

    def _program(self, path: str, package: str) -> None:
        if "$" in path or not path.isprintable() or not PLAIN.fullmatch(package):
            return
        self.programs[path] = package
        place = shlex.quote(path)
        starts = (
            f"reload {package} {place}"
            if package == self.build.package
            else f"once {package} '{self.build.flags_of(package)}'"
        )
        self.lines.append(f"RUN /devctl/program {place} {starts}")

    def _from_context(self, line: Line) -> None:
        """As it stands, but for its owner."""
        self._as_it_stands(line.stage, line.instruction)
        self.lines[-1] = _OWNER.sub("", self.lines[-1])
        *sources, target = line.words
        flags = tuple(f for f in line.instruction.flags if f.startswith(("--parents", "--exclude")))
        self._note(line.cmd, tuple(map(posixpath.normpath, sources)), target, flags)

    def _copied_as(self, path: str, target: str) -> None:
        """What a line copies from the build stage and the build context has too; the context may lack what that stage creates."""
        head, name = posixpath.split(path)
        pattern = (
            path
            if path == "." or re.search(r"[*?[\\]", path)
            else posixpath.join(head, f"{name[:-1]}[{name[-1]}]")
        )
        if self._note("COPY", (pattern,), target, ()):
            self.lines.append(self.alone[-1])
            self.copies[-1] = replace(self.copies[-1], sources=(path,))

    def _note(self, cmd: str, sources: tuple[str, ...], target: str, flags: tuple[str, ...]) -> bool:
        """Whether it is known which files are where."""
        place = self._path(target)
        place += "/" if place != "/" and (len(sources) > 1 or self._is_folder(target)) else ""
        parents = any(flag.startswith("--parents") for flag in flags)
        known = cmd == "ADD" or any(flag.startswith("--exclude") for flag in flags)
        self.copies.append(Copied(sources, place, parents=parents, known=known))
        words = (*sources, place)
        certain = all("$" not in each and each.isprintable() for each in (*words, *flags))
        if certain:
            self.alone.append(" ".join((cmd, *flags, json.dumps(words, ensure_ascii=False))))
        return certain

    def _is_folder(self, target: str) -> bool:
        return target.endswith("/") or self._path(target) in ("/", self.here)

    def _path(self, word: str) -> str:
        return posixpath.normpath(posixpath.join(self.here, word))


def _builds_source(stage: Stage) -> bool:
    """Whether it does more than install something: with the source, or in another language."""
    lines = (i for i in stage.instructions if i.cmd == "RUN")
    return (of_another_language(stage) or any(map(brings_source, stage.instructions))) and any(
        not installs(command) for line in lines for command in commands(line)
    )


def _lies(output: str, path: str, place: str, *, folder: bool) -> str:
    """Where a program is after `COPY path place`."""
    if output.startswith(f"{path.rstrip('/')}/"):  # a folder: its content is copied
        return posixpath.join(place, posixpath.relpath(output, path))
    return posixpath.join(place, posixpath.basename(output)) if folder else place


def packages_of(ref: str) -> str:
    """What installs packages on an image: `apk`, `apt`, or unknown."""
    if "alpine" in ref:
        return "apk"
    return (
        "apt"
        if re.search(r"golang|debian|ubuntu|slim|bookworm|bullseye|trixie|buster|jammy|noble", ref)
        else ref
    )
