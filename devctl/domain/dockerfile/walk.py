"""A stage of a Dockerfile, read as the builder reads it: line by line, those of the stages below first, with the state at
each.

All other code asks this module for variables, folders and which parts of the build context are in the image.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.argv import parted
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import (
    PREDEFINED,
    assignments,
    chain,
    expand,
    external_base,
    golang_tag,
    named_stages,
)
from devctl.domain.paths import is_below
from devctl.domain.regex import regex

NOTHING: Mapping[str, str] = {}
# A file has an extension, or a name like VERSION or Makefile; nothing else tells the two apart here.
_FOLDER_NAME = regex(r"(?:[\w-]+/)*[a-z_][\w-]*")
_FILE_NAME = regex(r"[\w./@+-]+")
_EVERYWHERE = """/bin /dev /etc /go/bin /home /opt /root /run /sbin /srv /tmp /usr/bin
/usr/lib /usr/local/bin /usr/local/lib /usr/local/sbin /usr/sbin /usr/share /var/lib /var/log""".split()
"""Folders of every image that Go is compiled in."""
_MAKES_FOLDERS = regex(r"\b(?:mkdir|install[ \t]+-d)[ \t]([^\n;&|]{1,1024})")
_MANY = 30
"""Commands of one line that create folders, as far as they are read."""
_CD = regex(r"\bcd[ \t]+[\"']?([^\s&;|\"']+)")


class Line(Struct, frozen=True):
    """An instruction of `stage`, and the state after it. `folder`: where a command runs; `values`: variables, `set`: those
    that this line sets; `brought`: folders and files of the image, each with the path in the build context that has the same
    content; `made`: folders that are there besides those that every image has."""

    stage: Stage
    instruction: Instruction
    folder: str
    values: Mapping[str, str]
    set: Mapping[str, str]
    brought: Mapping[str, str]
    made: frozenset[str] = frozenset()

    @property
    def cmd(self) -> str:
        return self.instruction.cmd

    @property
    def words(self) -> tuple[str, ...]:
        """With the variables substituted; a `$` stays in place of an unknown one."""
        return tuple(map(self.filled, self.instruction.value))

    def filled(self, text: str) -> str:
        return expand(text, self.values, unknown="$")

    def path(self, word: str) -> str:
        """The path in the image of a path in this line."""
        return posixpath.normpath(posixpath.join(self.folder, self.filled(word)))

    def is_folder(self, path: str) -> bool:
        """Whether the lines so far say that this path of the image is a folder."""
        there = (*_EVERYWHERE, *self.made, *self.brought, self.folder)
        return any(is_below(known, path) for known in there)


def walk(
    facts: DockerfileFacts, stage: Stage, args: Mapping[str, str] = NOTHING, *, begins: str | None = None
) -> Iterator[Line]:
    """`args`: build arguments; `begins`: the folder of the base, if its name does not tell."""
    folder, env = _of_base(external_base(facts, stage))
    folder = begins if begins is not None else folder
    outside, arguments = {**PREDEFINED, **facts.global_args, **args}, dict[str, str]()
    brought: Mapping[str, str] = NOTHING
    made: frozenset[str] = frozenset()
    for current in reversed(chain(facts, stage)):
        for instruction in current.instructions:
            values, new = {**arguments, **env}, dict[str, str]()
            if instruction.cmd == "ENV":
                new = assignments(instruction, values)
                env |= new
            elif instruction.cmd == "ARG":
                names = [word.partition("=")[0] for word in instruction.value]
                told = assignments(instruction, values)
                new = {n: outside[n] for n in names if n in args or (n in outside and n not in told)}
                new = {**told, **new}
                arguments |= new
            elif instruction.cmd == "WORKDIR":
                word = expand(" ".join(instruction.value), values, unknown="$")
                folder = posixpath.normpath(posixpath.join(folder, word))
            elif instruction.cmd in ("COPY", "ADD"):
                brought = _after(brought, instruction, folder, values)
            line = Line(current, instruction, folder, {**arguments, **env}, new, brought, made)
            made |= frozenset(_made(line))
            yield replace(line, made=made)


def _made(line: Line) -> Iterator[str]:
    """The folders that a line creates, or a tool that it calls."""
    if line.cmd == "WORKDIR":
        yield line.folder
    for text in (line.instruction.command, line.instruction.runs) if line.cmd == "RUN" else ():
        for found in islice(_MAKES_FOLDERS.finditer(text), _MANY):
            folder = posixpath.join(line.folder, *_CD.findall(text[: found.start()]))
            words = (word for word in parted(found[1]) if not word.startswith("-"))
            yield from (line.path(posixpath.join(folder, word)) for word in words)


def given(compose: Mapping[str, object]) -> dict[str, str]:
    """`build: {args: …}` of a compose service, in the form that `compose config` resolves to."""
    build = compose.get("build")
    args = build.get("args") if isinstance(build, Mapping) else None
    if not isinstance(args, Mapping):
        return {}
    return {str(key): str(value) for key, value in args.items() if value is not None}


def given_target(compose: Mapping[str, object]) -> str:
    """`build: {target: …}` of a compose service; "" if it names none."""
    build = compose.get("build")
    return str(build.get("target") or "") if isinstance(build, Mapping) else ""


def working_dir(facts: DockerfileFacts, stage: Stage) -> str:
    """Where a stage starts; it contains a `$` for the base's own folder, and for variables of the base."""
    return ["$", *(line.folder for line in walk(facts, stage, begins="$"))][-1]


def in_context(path: str, brought: Mapping[str, str]) -> str | None:
    """The path in the build context of a path in the image, as far as COPY lines say."""
    below = [at for at in brought if is_below(path, at)]
    if not below:
        return None
    folder = max(below, key=len)
    return posixpath.normpath(posixpath.join(brought[folder], posixpath.relpath(path, folder)))


def copied_as(facts: DockerfileFacts, stage: Stage, path: str) -> str | None:
    """The path in the build context of a file of the image: what the last COPY that names it says, else the folder that has
    it. None if that is unknown, or the file may come from another stage."""
    lines = [line for line in walk(facts, stage) if line.cmd in ("COPY", "ADD")]
    for line in reversed(lines):
        found = _named_source(line, path)
        if found is not None:
            known = _FILE_NAME.fullmatch(found) and not list(named_stages(line.instruction))
            return posixpath.normpath(found).lstrip("/") if known else None
    there = [line for line in lines if is_below(path, line.path(line.instruction.value[-1]))]
    if not there or any(list(named_stages(line.instruction)) for line in there):
        return None
    return in_context(path, there[-1].brought)


def _named_source(line: Line, path: str) -> str | None:
    """The word of a COPY that is this file, as `run.sh`, `*.sh` or another name that it had."""
    *sources, word = line.words
    target, name = line.path(word), posixpath.basename(path)
    if target == path and len(sources) == 1:
        return sources[0]
    inside = posixpath.join(target, name) == path
    named = (s for s in sources if inside and fnmatchcase(name, posixpath.basename(s)))
    return next((posixpath.join(posixpath.dirname(s), name) for s in named), None)


def _of_base(ref: str) -> tuple[str, dict[str, str]]:
    """Its folder and its variables."""
    if golang_tag(ref) is not None:
        return "/go", {"GOPATH": "/go"}
    return "/home/nonroot" if "distroless" in ref and "nonroot" in ref.rpartition(":")[2] else "/", {}


def _after(
    brought: Mapping[str, str], instruction: Instruction, folder: str, values: Mapping[str, str]
) -> Mapping[str, str]:
    """`COPY backend/ .` adds a folder, `COPY config.yml /etc/shop/` a file."""
    if list(named_stages(instruction)):
        return brought
    *sources, word = (expand(word, values, unknown="$") for word in instruction.value)
    target, found = posixpath.normpath(posixpath.join(folder, word)), dict(brought)
    for source in (posixpath.normpath(source).lstrip("/") or "." for source in sources):
        if source == "." or _FOLDER_NAME.fullmatch(source):
            if len(sources) == 1 and (source == "." or brought.get(target) != "."):
                found[target] = source
        elif _FILE_NAME.fullmatch(source):
            inside = len(sources) > 1 or word.endswith("/") or target in ("/", folder)
            found[posixpath.join(target, posixpath.basename(source)) if inside else target] = source
    return found
