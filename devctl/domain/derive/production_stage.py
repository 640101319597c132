"""Production on another base: the user's final stage, word for word and in place, with its FROM replaced.

What that base cannot do (a RUN line without a shell, a user that nothing creates there) is left out or written with numbers,
and reported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.derive.build_stage import build_stage
from devctl.domain.derive.final_stage import packages_of
from devctl.domain.derive.health_check import cannot_run, image_test, left_out
from devctl.domain.derive.original import Original
from devctl.domain.derive.owners import Owners, made_by
from devctl.domain.derive.run_lines import parts
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage, lines_of
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, NONROOT, SCRATCH, RuntimeBase
from devctl.domain.dockerfile.stages import chain, external_base, find_stage, golang_tag
from devctl.domain.dockerfile.walk import Line, given, walk
from devctl.domain.go.versions import refuses
from devctl.domain.numbers import whole
from devctl.domain.regex import regex
from devctl.errors import Problem

_FROM = regex(r"^(\s*FROM(?:\s|\\\n)+(?:--\S+(?:\s|\\\n)+)*)\S+", re.IGNORECASE)
_CHOWN = regex(r"(--chown=)(\S+)")
# What the shell of every small system includes, with the same syntax everywhere.
_EVERYWHERE = regex(
    r"^(?:\w+=\S+\s+)*(?:mkdir|chown|chmod|ln|cp|mv|rm|touch|echo|printf|true|test|cd|set|sed|cat|tar|\[|:)(?:\s|$)"
)
_CHANGES_OWNER = regex(r"\bchown\s+(?:-\S+\s+)*(\S+)")
_COMPILER = regex(r"\b(?:gcc|g\+\+|clang|build-base|build-essential|musl-dev)\b")
# As in devctl's own production stage (decision 11); Go then looks up names and users itself.
_STATIC = 'ENV CGO_LDFLAGS="-g -O2 -static" GOFLAGS="${GOFLAGS} -tags=netgo,osusergo"'
# Packages that contain only files, which the default base has: the path of each, and where it is copied.
_FILES = {
    "ca-certificates": ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/"),
    "tzdata": ("/usr/share/zoneinfo", "/usr/share/zoneinfo"),
}


class Rebased(Struct, frozen=True):
    """`text`: the Dockerfile with that stage on the base, `facts`: the same, with the line numbers of the user's file;
    `owners`: its users and groups, `told`: warnings about what does not apply there."""

    text: str
    facts: DockerfileFacts
    owners: Owners
    told: tuple[Problem, ...]


class ProductionStage(Struct, frozen=True):
    """`final`: the user's default production stage, `build`: the one that compiles what it starts; `args`: build arguments
    from the compose file."""

    original: Original
    final: Stage
    build: Stage
    args: Mapping[str, str]

    @property
    def place(self) -> str:
        return f"{self.original.facts.path}:{self.final.line}"

    def on(self, base: RuntimeBase, bases: Mapping[str, str], *, needs_c: bool) -> Rebased:
        """`bases`: image references, by the name of a base; `needs_c`: the code is compiled with C."""
        reading = _Reading(self, base, bases)
        for line in walk(self.original.facts, self.final, self.args):
            reading.read(line)
        return Rebased(
            reading.text(self._c_library(base, needs_c=needs_c)),
            reading.facts(),
            reading.owners,
            tuple(reading.told()),
        )

    def _c_library(self, base: RuntimeBase, *, needs_c: bool) -> list[str]:
        """Settings for the build, so that the program needs no C library that the base lacks."""
        facts = self.original.facts
        lines = [
            i.original
            for s in chain(facts, self.build)
            for i in s.instructions
            if i.cmd in ("RUN", "ENV", "ARG")
        ]
        text, alpine = "\n".join(lines), packages_of(external_base(facts, self.build)) == "apk"
        same = alpine and packages_of(base.image or "") == "apk"
        if same or re.search(r"CGO_ENABLED[= ]\"?0|(?<![\w-])-static(?![\w-])", text):
            return []
        if re.search(r"CGO_ENABLED[= ]\"?1", text):
            return [_STATIC]
        if alpine and not _COMPILER.search(text):  # cgo is off if there is no compiler
            return []
        return [_STATIC if needs_c else "ENV CGO_ENABLED=0"]


def production_stage(
    facts: DockerfileFacts, compose: Mapping[str, object], *, target: str, package: str, module: str, go: str
) -> ProductionStage | None:
    """For the stage `target`; None if nothing can be moved to another base: it compiles by itself, or no stage does, or the Go
    of that one is too old. `package`: the folder of the service's main, relative to the build context, `go`: the version in
    its go.mod."""
    final = find_stage(facts, target)
    if final is None:
        return None
    original, args = Original(facts, tuple(lines_of(facts.text.removeprefix("\ufeff")))), given(compose)
    build = build_stage(original, final, args, package=package, module=module)
    if build is None or any(build.stage.index == stage.index for stage in chain(facts, final)):
        return None
    too_old = refuses(golang_tag(external_base(facts, build.stage)) or "", go)
    return None if too_old else ProductionStage(original, final, build.stage, args)


class _Reading(Struct):
    """Line by line; `changed`: what replaces an instruction, None for nothing."""

    stage: ProductionStage
    base: RuntimeBase
    bases: Mapping[str, str]
    owners: Owners = field(default_factory=Owners)
    changed: dict[int, str | None] = field(default_factory=dict)
    kept: list[Instruction] = field(default_factory=list)
    left_out: list[Instruction] = field(default_factory=list)
    unknown: list[tuple[Instruction, str]] = field(default_factory=list)
    health: Instruction | None = None
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owners = Owners(self.base.users)

    @property
    def ref(self) -> str:
        return self.bases.get(self.base.name, SCRATCH)

    def read(self, line: Line) -> None:
        stage, instruction = line.stage, line.instruction
        match instruction.cmd:
            case "RUN":
                self._run(line)
            case "USER":
                self._user(line)
            case "COPY" | "ADD":
                self._copy(line)
            case "HEALTHCHECK" if cannot_run(image_test(instruction), self.base):
                self.health = instruction
                self.changed[instruction.line] = None
            case "SHELL" if not self._same_family(stage) and not self._has(instruction.value[0]):
                self.changed[instruction.line] = None
        if self.changed.get(instruction.line, "") is not None:
            self.kept.append(instruction)

    def _same_family(self, stage: Stage) -> bool:
        """Whether this base can do everything that the user's base can."""
        theirs = packages_of(external_base(self.stage.original.facts, stage))
        return self.base.has_shell and theirs == packages_of(self.base.image or "")

    def _has(self, shell: str) -> bool:
        return self.base.has_shell and posixpath.basename(shell) in ("sh", "ash")

    def _run(self, line: Line) -> None:
        stage, instruction = line.stage, line.instruction
        made = made_by(line.filled(instruction.original))
        if self._same_family(stage):
            self.owners = self.owners.there(made)
        elif self._can_run(line):
            return
        else:
            self.owners = self.owners.known(made)
            self.left_out.append(instruction)
            self.changed[instruction.line] = None

    def _can_run(self, at: Line) -> bool:
        instruction = at.instruction
        if instruction.json:  # a program, which needs no shell: one that an earlier line has copied
            return any(_brings(line, instruction.value[0]) for line in self.kept)
        text = at.filled(instruction.original)
        named = [found.strip("\"'") for found in _CHANGES_OWNER.findall(text)]
        plain = all(_EVERYWHERE.match(part) for part in parts(instruction))
        return self.base.has_shell and plain and all(self.owners.knows(name) for name in named)

    def _copy(self, line: Line) -> None:
        stage, instruction = line.stage, line.instruction
        *sources, target = map(posixpath.normpath, instruction.value)
        if target == "/etc/passwd" or (target == "/etc" and "passwd" in map(posixpath.basename, sources)):
            self.owners = replace(self.owners, any=True)

        def numbered(found: re.Match[str]) -> str:
            owner = line.filled(found[2])
            return (
                f"{found[1]}{self._number(instruction, owner)}" if not self.owners.knows(owner) else found[0]
            )

        text = self._raw(stage, instruction)
        written = _CHOWN.sub(numbered, text)
        if written != text:
            self.changed[instruction.line] = written

    def _user(self, line: Line) -> None:
        instruction, owner = line.instruction, line.words[0]
        self.names.clear()
        if self.owners.knows(owner):
            return
        self.changed[instruction.line] = f"USER {self._number(instruction, owner, primary=True)}"
        name = owner.partition(":")[0]
        replaced = self.owners.number(owner, primary=True) is None and self.owners.knows("nonroot")
        self.names += [] if replaced or whole(name) is not None else [name]

    def _number(self, instruction: Instruction, owner: str, *, primary: bool = False) -> str:
        found = self.owners.number(owner, primary=primary)
        if found is None:
            self.unknown.append((instruction, owner))
        return found or NONROOT

    def facts(self) -> DockerfileFacts:
        facts, final = self.stage.original.facts, self.stage.final
        own = replace(final, base=self.ref, instructions=tuple(self.kept))
        return replace(facts, stages=tuple(own if s is final else s for s in facts.stages))

    def text(self, to_the_build: list[str]) -> str:
        """In place of the user's lines, so that a builder counts lines as in their file."""
        original, final = self.stage.original, self.stage.final
        lines = list(original.lines)
        for instruction in final.instructions:
            first, count = instruction.line - 1, len(self._raw(final, instruction).split("\n"))
            if instruction.line in self.changed:
                lines[first : first + count] = self._written(final, instruction)
        ends = max(
            (i.line - 1 + len(self._raw(final, i).split("\n")) for i in final.instructions),
            default=final.line,
        )
        lines[ends:ends] = self._added()
        first, old = final.line - 1, original.from_line(final)
        count = len(old.split("\n"))
        start = "\n".join(lines[first : first + count])
        below = [
            line
            for stage in reversed(chain(original.facts, final)[1:])
            for instruction in stage.instructions
            for line in self._written(stage, instruction)
        ]
        moved = _FROM.sub(lambda found: f"{found[1]}{self.ref}", start, count=1)
        lines[first : first + count] = [*moved.split("\n"), *below]
        at = min(i.line for i in self.stage.build.instructions) - 1
        lines[at:at] = to_the_build
        return "\n".join(lines) + "\n"

    def _written(self, stage: Stage, instruction: Instruction) -> list[str]:
        text = self._raw(stage, instruction)
        said = self.changed.get(instruction.line, text)
        if said is None:
            return [f"# {line}" for line in text.split("\n")]
        return [*said.split("\n"), *[""] * (text.count("\n") - said.count("\n"))]

    def _raw(self, stage: Stage, instruction: Instruction) -> str:
        count = self.stage.original.instruction(stage, instruction).count("\n") + 1
        return "\n".join(self.stage.original.lines[instruction.line - 1 :][:count])

    def _added(self) -> Iterator[str]:
        """The files of packages that are not installed; name and home of a user who is only a number there, for Go's
        user.Current; the user of the base that is replaced."""
        text = " ".join(line.original for line in self.left_out)
        for package, (path, target) in _FILES.items():
            if package not in self.base.files and re.search(rf"\s{package}(?:\s|$|[=&;])", text):
                yield f"COPY --from={self.bases[DEFAULT_BASE]} {path} {target}"
        for name in self.names:
            yield f"ENV USER={name}{f' HOME={home}' if (home := self.owners.home(name)) else ''}"
        nonroot = "nonroot" in external_base(self.stage.original.facts, self.stage.final)
        if nonroot and all(line.cmd != "USER" for line in self.kept):
            yield f"USER {NONROOT}"

    def told(self) -> Iterator[Problem]:
        path, name = self.stage.original.facts.path, self.base.name
        lacks = "has no shell" if not self.base.has_shell else "has other packages"
        if self.left_out:
            first, *more = self.left_out
            others = (
                f", and line{'s' if len(more) > 1 else ''} {', '.join(str(i.line) for i in more)}"
                if more
                else ""
            )
            yield Problem(
                "run-left-out",
                f"left out on {name}, which {lacks}: `{_short(first)}`{others}",
                "no action needed if the program runs without it",
                f"{path}:{first.line}",
            )
        if self.unknown:
            (line, owner), *_ = self.unknown
            yield Problem(
                "user-unknown",
                f"{name} has no user {owner}, and the Dockerfile gives no number: using {NONROOT} instead",
                "give the user a number where it is created (`-u 10001`), or use the number: `USER 10001:10001`, "
                "`--chown=10001:10001`",
                f"{path}:{line.line}",
            )
        if self.health is not None:
            yield left_out(name, _short(self.health), f"{path}:{self.health.line}")


def _brings(line: Instruction, program: str) -> bool:
    target = posixpath.normpath(line.value[-1])
    return line.cmd in ("COPY", "ADD") and (target == program or program.startswith(f"{target.rstrip('/')}/"))


def _short(instruction: Instruction) -> str:
    text = " ".join(instruction.original.replace("\\\n", " ").split())
    return text if len(text) <= 80 else f"{text[:79]}…"
