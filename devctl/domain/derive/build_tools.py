"""What a RUN line makes a tool do (`make build`, `./build.sh`): the text of the script, or of the recipes of a Makefile, so
that the `go build` in it is treated like one of the Dockerfile's own lines."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from devctl.domain.derive.run_lines import BEGIN
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage, with_ends
from devctl.domain.dockerfile.stages import filled
from devctl.domain.dockerfile.walk import Line, in_context, walk
from devctl.domain.regex import regex

_SCRIPT = regex(BEGIN + r"(?:(?:ba|a)?sh[ \t]+(?:-\w+[ \t]+)*)?([\w./-]+\.sh)\b")
_MAKE = regex(BEGIN + r"make\b((?:[ \t]+[^\s;&|\"']+)*)")
_CD = regex(r"\bcd\s+([^\s;&|\"']+)")
_SET = regex(r"^(?:export[ \t]+)?(\w+)[ \t]*([:?]?)=(.*)$", re.MULTILINE)
_RULE = regex(r"^([\w./%-]+(?: [\w./%-]+)*)[ \t]*:(?!=)([^\n#;]*)\n((?:\t[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE)
_INCLUDE = regex(r"^-?s?include[ \t]+(.+)$", re.MULTILINE)
_USED = regex(r"\$(?:\((\w+)\)|\{(\w+)\})")
_NAMES = ("GNUmakefile", "makefile", "Makefile")
_DEEP = 5
"""How often nested variables are substituted."""
_MANY = 30
"""Limits on names of files that are looked up when Makefiles include others, and on scripts and Makefiles that one line calls."""

Read = Callable[[str], str | None]
"""Returns a file of the build context; None if there is none."""


def with_tools(facts: DockerfileFacts, read: Read) -> DockerfileFacts:
    return replace(facts, stages=tuple(_read(facts, stage, read) for stage in facts.stages))


def _read(facts: DockerfileFacts, stage: Stage, read: Read) -> Stage:
    own = (line for line in walk(facts, stage) if line.stage is stage)
    return replace(stage, instructions=tuple(_with_tool(line, read) for line in own))


def _with_tool(line: Line, read: Read) -> Instruction:
    said, instruction = "", line.instruction
    if instruction.cmd == "RUN" and "go build" not in instruction.original:
        said = "\n".join(_said(instruction.command, line, read))
    return replace(instruction, runs=said) if said else instruction


def _said(text: str, line: Line, read: Read) -> Iterator[str]:
    scripts = (found for found in _SCRIPT.finditer(text) if "build" in posixpath.basename(found[1]))
    for found in islice(scripts, _MANY):
        path = posixpath.join(_folder(text[: found.start()]), found[1])
        yield (read(_lies(path, line)) or "").replace("\\\n", " ")
    for found in islice(_MAKE.finditer(text), _MANY):
        inside, said = made(
            found[1].split(), _folder(text[: found.start()]), lambda path: read(_lies(path, line))
        ) or (".", "")
        # Each line of a recipe is a separate shell.
        before = f"cd {inside} && " if inside != "." else ""
        yield "".join(f"{before}{each}" if each.strip("\n") else each for each in with_ends(said))


def _folder(before: str) -> str:
    """The folder that the commands before have changed to."""
    return posixpath.join(".", *_CD.findall(before))


def _lies(path: str, line: Line) -> str:
    """The path in the build context of a file that a line names."""
    place = line.path(path)
    return in_context(place, line.brought) or posixpath.relpath(place, line.folder)


def made(words: Sequence[str], folder: str, read: Read) -> tuple[str, str] | None:
    """The folder that `make WORDS` works in, and what it runs there; None without a Makefile."""
    below, file, left = _flags(words)
    folder = posixpath.normpath(posixpath.join(folder, below))
    text = _makefile(folder, [file] if file else _NAMES, read, set())
    return (folder, recipes(text, left)) if text is not None else None


def _flags(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """`-C FOLDER`, `-f FILE`, and the rest."""
    folder, file, left, rest = ".", "", [], iter(words)
    for word in rest:
        if word[:2] in ("-C", "-f"):
            value = word[2:] or next(rest, "")
            folder, file = (posixpath.join(folder, value), file) if word[1] == "C" else (folder, value)
        elif word.partition("=")[0] in ("--directory", "--file", "--makefile"):
            value = word.partition("=")[2]
            folder, file = (value, file) if word.startswith("--d") else (folder, value)
        else:
            left.append(word)
    return folder, file, left


def _makefile(folder: str, names: Sequence[str], read: Read, seen: set[str]) -> str | None:
    """With included files in place of the lines that include them; each file is `seen` once, since it may include itself."""
    paths = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
    text = None
    for path in paths:
        if text is None and path not in seen and len(seen) < _MANY:
            seen.add(path)
            text = read(path)
    if text is None:
        return None

    def included(found: re.Match[str]) -> str:
        parts = [_makefile(folder, [name], read, seen) for name in found[1].split() if "$" not in name]
        return "\n".join(part for part in parts if part is not None)

    return _INCLUDE.sub(included, text)


def recipes(makefile: str, words: list[str]) -> str:
    """What `make WORDS` runs, as a shell would receive it: variables of the Makefile substituted, those that the environment
    may set (`?=`) as `${NAME:-default}`."""
    text = makefile.replace("\\\n", " ")
    said = ((name, kind, value.strip(" \t")) for name, kind, value in _SET.findall(text))
    variables = {name: f"${{{name}:-{value}}}" if kind == "?" else value for name, kind, value in said}
    variables = {"MAKE": "make", **variables}
    variables |= {name: value for name, equals, value in (w.partition("=") for w in words) if equals}
    rules = {
        name: (needs.split(), body) for names, needs, body in _RULE.findall(text) for name in names.split()
    }
    first = next((name for name in rules if not name.startswith(".")), "")
    targets = [w for w in words if not w.startswith("-") and "=" not in w] or [first]
    run = "".join(rules[target][1] for target in _in_order(targets, rules))
    for _ in range(_DEEP):
        run = filled(_USED, lambda found: variables.get(found[1] or found[2], found[0]), run)
    return re.sub(r"^\t[@-]*", "", run, flags=re.MULTILINE).replace("$$", "$")


def _in_order(targets: Iterable[str], rules: Mapping[str, tuple[list[str], str]]) -> dict[str, None]:
    """The prerequisites of a target come before it, each once."""
    found: dict[str, None] = {}
    waiting, begun = list(targets)[::-1], set[str]()
    while waiting:
        target = waiting[-1]
        if target not in rules or target in begun:
            waiting.pop()
            if target in rules:
                found.setdefault(target)
            continue
        begun.add(target)
        waiting += [need for need in reversed(rules[target][0]) if need not in begun]
    return found
