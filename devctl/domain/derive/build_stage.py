"""The stage of the user's Dockerfile that compiles a service, and what it does before: a dev stage is based on that."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.argv import parted
from devctl.domain.derive.original import Original
from devctl.domain.derive.run_lines import (
    commands,
    compiles,
    fetches_modules,
    flags,
    generating,
    installs,
    makes,
    parts,
)
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.go_build_lines import GoBuild, go_builds, own_build, told_builds
from devctl.domain.dockerfile.stages import chain, find_stage, named_stages, needed_by
from devctl.domain.dockerfile.walk import NOTHING, Line, in_context, walk
from devctl.domain.go.go_command import flag_of
from devctl.domain.paths import is_below
from devctl.domain.regex import regex

_MANIFEST = regex(r"(?:[^\s]*/)?go\.(?:mod|sum|work|work\.sum|\*|su\[m\]|s\*|m\*)|(?:[^\s]*/)?go\.?\*")
# They say how the image is started and stopped, or by whom; the dev stage sets that itself.
_OF_A_START = frozenset(
    {"ENTRYPOINT", "CMD", "HEALTHCHECK", "STOPSIGNAL", "USER", "VOLUME", "ONBUILD", "EXPOSE", "LABEL"}
)

_OF_PROGRAMS = frozenset({"bin", "build", "dist", "out"})
# They make a binary smaller or its build slower, and do not affect what it does.
_NOT_IN_DEV = regex(r"-(?:a|v|x|n|trimpath|installsuffix|p|pgo|buildvcs|work|json)(?:=|$)")
_EXECUTABLE = frozenset({"", "default", "exe", "pie"})
_HERE = frozenset({"", "linux"})
_NO_MACHINE = frozenset({"wasm"})
_MOVES = regex(r"(?<![\w./-])(?:ln|mv|cp|install)[ \t]([^&|;\n]*)")
_CD = regex(r"\bcd[ \t]+[\"']?([^\s&;|\"']+)")
_MANY = 30
"""Commands of one line that move something, as far as they are read."""
_FLAG = regex(r"[^\s\"'\\$`]+")
"""A flag that is exactly one word of GOFLAGS: others would end the word that contains it, or the line."""


class BuildStage(Struct, frozen=True):
    """`stage` and, by FROM, those below it; `package`: the folder of the service's main, relative to the build context;
    `module`: the path of its module. `folder`: the working directory of the stage, `top`: where the context is in it,
    `brought`: its folders that come from the context, and from which folder; `mains`: the folders of all mains of the module,
    which `./cmd/...` stands for; `started`: the words that a container is started with, without folders."""

    original: Original
    stage: Stage
    args: Mapping[str, str]
    package: str
    module: str
    builds: tuple[GoBuild, ...]
    folder: str
    top: str
    brought: Mapping[str, str]
    mains: tuple[str, ...] = ()
    started: tuple[str, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The lowest one first."""
        return tuple(reversed(chain(self.original.facts, self.stage)))

    @property
    def own_build(self) -> GoBuild | None:
        """The line that compiles the service itself."""
        here = [build for build in self.builds if self._runs_here(build)]
        return own_build(here or self.builds, (self.package,), self.started)

    def programs(self) -> Iterator[tuple[str, str]]:
        """Where each build puts its program, and where later commands copy or move it, and the package."""
        found = dict(self._outputs_of(build for build in self.builds if self._runs_here(build)))
        yield from found.items()
        for line in walk(self.original.facts, self.stage, self.args):
            if line.cmd != "RUN" or line.instruction.line < next(_compiling(self.stage), 0):
                continue
            for sources, place in _moved(line):
                moved = {_place(source, place): found[source] for source in sources if source in found}
                yield from ((path, package) for path, package in moved.items() if path not in found)
                found |= moved

    def others(self, path: str = "/") -> Iterator[Instruction]:
        """The lines that write what is no program of this platform (wasm, a plugin, a library, a download), at the path or below
        it."""
        for build in self.builds:
            if self._runs_here(build):
                continue
            if any(is_below(at, path) or fnmatchcase(at, path) for at, _ in self._outputs_of((build,))):
                yield from (i for i in self.stage.instructions if i.line == build.line)

    def _outputs_of(self, builds: Iterable[GoBuild]) -> Iterator[tuple[str, str]]:
        for build in builds:
            packages = self._packages(build.packages[0]) if build.output else ()
            for package in packages:
                name = posixpath.basename(package) if package != "." else self.module.rpartition("/")[2]
                inside = build.in_folder or len(packages) > 1
                yield posixpath.join(build.output, name) if inside else build.output, package

    def _runs_here(self, build: GoBuild) -> bool:
        """Whether a container can start its output: what only the builder knows (`GOOS=$TARGETOS`) is the container's
        platform."""
        lines = walk(self.original.facts, self.stage, self.args)
        stated = next((line.values for line in lines if line.instruction.line == build.line), NOTHING)
        os, arch = ({**stated, **build.env}.get(name, "") for name in ("GOOS", "GOARCH"))
        mode = flag_of(build.flags, "buildmode")
        return (
            ("$" in mode or mode in _EXECUTABLE)
            and ("$" in os or os in _HERE)
            and ("$" in arch or arch not in _NO_MACHINE)
        )

    def flags_of(self, package: str) -> str:
        """What GOFLAGS gets for another program than the service's own, whose tags are not for it."""
        built = next((b for b in self.builds if package in b.packages), None)
        own = self.own_build
        reset = ("-tags=",) if own is not None and any(f.startswith("-tags") for f in dev_flags(own)) else ()
        return " ".join(
            (*reset, *(dev_flags(built) if built is not None else ())) if built is not own else ()
        )

    def with_a_tools_build(self, final: Stage, said: Iterable[str]) -> BuildStage:
        """If only a tool knows how to compile (`make build`): its output is what the final stage copies from here, or has
        here, and a container starts. `said`: the words of that start command."""
        line = next(_compiling(self.stage), None)
        if self.builds or line is None:
            return self
        lines = walk(self.original.facts, self.stage, self.args)
        told = tuple(b for said in lines if said.instruction.line == line for b in told_builds(said))
        if any(self.package in b.packages and b.output and "$" not in b.output for b in told):
            return replace(self, builds=told)
        names = set(map(posixpath.basename, re.split(r"[\s;&|\"'=]+", " ".join(said)))) - {""}
        output = next(self._outputs(final, names), "")
        if not output and self.holds(final):
            output = next((w for w in said if "/" in w and not w.endswith(".sh")), "")
        if not output:
            return self
        path = posixpath.normpath(posixpath.join(self.folder, output))
        own = [b for b in told if self.package in b.packages]
        same = next(iter(own or (told if len(told) == 1 else [])), None)
        build = GoBuild(
            line,
            (self.package, self.package),
            posixpath.basename(path),
            path,
            in_folder=False,
            env=same.env if same is not None else {},
            flags=same.flags if same is not None else (),
            variables=same.variables if same is not None else {},
        )
        return replace(self, builds=(build,))

    def _outputs(self, final: Stage, names: Collection[str]) -> Iterator[str]:
        """Paths of this stage that the final one copies, under one of the names."""
        facts = self.original.facts
        for line in walk(facts, final, self.args):
            sources = (find_stage(facts, name) for name in named_stages(line.instruction))
            if line.cmd != "COPY" or not any(s and self.stage in chain(facts, s) for s in sources):
                continue
            *paths, target = line.words
            for path in paths:
                name = posixpath.basename(path.rstrip("/"))
                if name in names or (len(paths) == 1 and posixpath.basename(target) in names):
                    yield path
                elif path.endswith("/") or name in _OF_PROGRAMS:
                    yield from (posixpath.join(path, n) for n in sorted(names) if n == self._called)

    @property
    def _called(self) -> str:
        """The default name of a program."""
        return posixpath.basename(self.package) if self.package != "." else self.module.rpartition("/")[2]

    def _packages(self, pattern: str) -> tuple[str, ...]:
        if not pattern.endswith("..."):
            return (pattern,)
        folder = posixpath.normpath(pattern.removesuffix("..."))
        below = [m for m in self.mains if is_below(m, folder)]
        return tuple(dict.fromkeys((self.package, *below)))

    @property
    def keys(self) -> tuple[str, ...]:
        """What the lines that fetch modules get for it: `--mount=type=secret,…`, `--mount=type=ssh`."""
        lines = (i for s in self.stages for i in s.instructions if any(map(fetches_modules, commands(i))))
        return tuple(f for line in lines for f in line.flags if re.match(r"--mount=type=(?:secret|ssh)\b", f))

    def in_context(self, path: str) -> str | None:
        """The path in the build context of a path in this stage."""
        if (known := in_context(path, self.brought)) is not None:
            return known
        inside = posixpath.relpath(path, self.top)
        return None if inside.startswith("..") else inside

    def made_by(self, path: str, *, besides: bool = False) -> Iterator[Instruction]:
        """The lines that name a file, or one below that folder, and that the dev stage does not include; `besides`: only what they
        do besides compiling, with something else than a program."""
        outputs = {output for output, _ in self.programs()} if besides else set[str]()
        for line in walk(self.original.facts, self.stage, self.args):
            if line.cmd != "RUN" or self.keeps(line.stage, line.instruction):
                continue
            for text in filter(makes, parts(line.instruction)) if besides else [line.instruction.command]:
                words = filter(None, re.split(r"[\s;&|<>\"'=(){}]+", line.filled(text)))
                named = {posixpath.normpath(posixpath.join(line.folder, word)) for word in words}
                moves = _MOVES.match(text) is not None and not named.isdisjoint(outputs)
                if not moves and any(is_below(each, path) for each in named - outputs):
                    yield line.instruction
                    break

    @property
    def generates(self) -> str:
        """The first command of the stage, or of a tool that it calls, that writes Go code to be compiled; "" if there is none."""
        lines = (
            i for s in self.stages for i in s.instructions if i.cmd == "RUN" and not self.is_behind(s, i)
        )
        return next((command for line in lines for command in generating(line)), "")

    def holds(self, stage: Stage) -> bool:
        return any(stage.index == s.index for s in self.stages)

    def keeps(self, stage: Stage, instruction: Instruction) -> bool:
        """Whether the dev stage includes this line: it comes before the compile line and needs no source."""
        if instruction.cmd in _OF_A_START or self.is_behind(stage, instruction):
            return False
        if brings_source(instruction):
            return not _is_mounted(instruction)
        # From another stage: the mount hides what is copied into the source.
        if instruction.cmd in ("COPY", "ADD"):
            target = posixpath.normpath(instruction.value[-1])
            return target.startswith("/") and (self.top == "/" or not is_below(target, self.top))
        if instruction.cmd != "RUN":
            return True
        said = tuple(commands(instruction))
        if all(installs(command) for command in said):
            return True
        source = next(
            (i.line for i in stage.instructions if brings_source(i) and not only_manifests(i)), None
        )
        early = source is None or instruction.line < source
        return early and not any(compiles(command) or fetches_modules(command) for command in said)

    def is_behind(self, stage: Stage, instruction: Instruction) -> bool:
        """Whether a line of the stage comes after the compile line."""
        if stage.index != self.stage.index:
            return False
        line = next(_compiling(stage), None)
        return line is not None and instruction.line > line

    def head(self, also: Iterable[str], arguments: Iterable[str] = ()) -> str:
        """The stages up to this one, and those that they and `also` name, the latter in full. `arguments`: additional ARG
        lines before the first FROM."""
        facts = self.original.facts
        kept = {s.index: s for s in self.stages}
        names = {
            name
            for stage in self.stages
            for instruction in stage.instructions
            if self.keeps(stage, instruction)
            for name in named_stages(instruction)
        }
        whole: dict[int, Stage] = {}
        for name in (*names, *also):
            if (found := find_stage(facts, name)) is not None:
                whole |= {s.index: s for s in needed_by(facts, found)}
        text = [self.original.before_stages, *arguments]
        for index in sorted({**whole, **kept}):
            text.append(
                self._before_compiling(kept[index]) if index in kept else self.original.stage(whole[index])
            )
        return "\n".join(part for part in text if part)

    def _before_compiling(self, stage: Stage) -> str:
        text = [self.original.from_line(stage)]
        for instruction in stage.instructions:
            if self.keeps(stage, instruction):
                text.append(self.original.instruction(stage, instruction))
            elif instruction.cmd == "RUN" and not self.is_behind(stage, instruction):
                text += _what_installs(instruction)
        return "\n".join(text)


def build_stage(
    original: Original,
    final: Stage,
    args: Mapping[str, str],
    *,
    package: str,
    module: str,
    mains: tuple[str, ...] = (),
    started: tuple[str, ...] = (),
) -> BuildStage | None:
    """Of the stages that the final one is made from, the one that compiles the service; else the last one that compiles
    something."""
    facts = original.facts
    near = [s for s in needed_by(facts, final) if any(map(compiles, _commands(s)))]
    found = [
        BuildStage(original, s, args, package, module, *_read(facts, s, args), mains=mains, started=started)
        for s in near
    ]
    own = own_build([b for stage in found for b in stage.builds], (package,), started)
    return next((b for b in found if own in b.builds), None) or next(reversed(found), None)


def _moved(line: Line) -> Iterator[tuple[list[str], str]]:
    """The paths that a line copies, moves or links, and where to: below a folder if it ends with `/`."""
    text = line.filled(line.instruction.command)
    for found in islice(_MOVES.finditer(text), _MANY):
        folder = posixpath.join(line.folder, *_CD.findall(text[: found.start()]))
        words = [posixpath.join(folder, w) for w in parted(found[1]) if not w.startswith("-")]
        if len(words) > 1:
            place = posixpath.normpath(words[-1])
            below = words[-1].endswith(("/", "/.")) or line.is_folder(place)
            yield [posixpath.normpath(word) for word in words[:-1]], f"{place}/" if below else place


def _place(source: str, target: str) -> str:
    return posixpath.join(target, posixpath.basename(source)) if target.endswith("/") else target


def _compiling(stage: Stage) -> Iterator[int]:
    """The lines that compile."""
    return (i.line for i in stage.instructions if i.cmd == "RUN" and any(map(compiles, commands(i))))


def _commands(stage: Stage) -> Iterator[str]:
    for instruction in stage.instructions:
        if instruction.cmd == "RUN":
            yield from commands(instruction)


def _read(
    facts: DockerfileFacts, stage: Stage, args: Mapping[str, str]
) -> tuple[tuple[GoBuild, ...], str, str, Mapping[str, str]]:
    """The builds of a stage; its working directory, where the context is in it, and which parts of it are where."""
    folder, top, brought = "/", "", NOTHING
    for line in walk(facts, stage, args):
        folder, brought = line.folder, line.brought
        if brings_source(line.instruction) and "." in map(posixpath.normpath, line.words[:-1]):
            top = line.path(line.instruction.value[-1])
    return tuple(go_builds(facts, stage, args)), folder, top or folder, brought


def _what_installs(instruction: Instruction) -> list[str]:
    """`apk add git && go build …`: what comes before the first command that needs the source."""
    kept: list[str] = []
    for command in commands(instruction):
        if not installs(command):
            break
        kept.append(command)
    return [f"{flags(instruction)} {' && '.join(kept)}"] if kept else []


def dev_flags(build: GoBuild) -> tuple[str, ...]:
    """The flags of a build that count in development."""
    return tuple(f for f in build.flags if _FLAG.fullmatch(f) and not _NOT_IN_DEV.match(f))


def brings_source(instruction: Instruction) -> bool:
    """COPY or ADD from the build context, not from an address or from the line itself (`COPY <<EOF /etc/app.conf`)."""
    plain = instruction.cmd in ("COPY", "ADD") and not list(named_stages(instruction))
    return plain and not any("://" in word or word.startswith("<<") for word in instruction.value)


def only_manifests(instruction: Instruction) -> bool:
    return all(_MANIFEST.fullmatch(word) for word in instruction.value[:-1])


def _is_mounted(instruction: Instruction) -> bool:
    """`COPY . .`, `COPY cmd ./cmd`, `COPY go.mod ./`: what the mount provides. `COPY certs /usr/local/share/` is kept."""
    *sources, target = instruction.value
    whole = "." in map(posixpath.normpath, sources)
    return whole or not target.startswith("/") or only_manifests(instruction)
