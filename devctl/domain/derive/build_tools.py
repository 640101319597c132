"""What a RUN line makes a tool do (`make build`, `./build.sh`): the text of the script, or of the recipes of a Makefile, so
that the `go build` in it is treated like one of the Dockerfile's own lines."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from devctl.domain.command.argv import parted
from devctl.domain.derive.run_lines import BEGIN
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage, with_ends
from devctl.domain.dockerfile.go_build_lines import EXPORT
from devctl.domain.dockerfile.stages import expand, filled
from devctl.domain.dockerfile.walk import NOTHING, Line, in_context, walk
from devctl.domain.go.go_command import BUILDS
from devctl.domain.regex import regex

_SCRIPT = regex(BEGIN + r"(?:(?:ba|a)?sh[ \t]+(?:-\w+[ \t]+)*)?([\w./-]+\.sh)\b")
_MAKE = regex(BEGIN + r"make\b((?:[ \t]+(?:[^\s;&|\"']|\"[^\"\n]*\"|'[^'\n]*')+)*)")
_CD = regex(r"\bcd\s+([^\s;&|\"']+)")
_SET = regex(r"^(?:export[ \t]+)?(\w+)[ \t]*([:?+]?)=(.*)$", re.MULTILINE)
_IF = regex(r"^ *(ifeq|ifneq|ifdef|ifndef|else|endif)\b[ \t]*(.*)$")
_PAIR = regex(r"\(([^,]*),(.*)\)\s*|([\"'])(.*)\3\s+([\"'])(.*)\5\s*")
_EXPORTED = regex(r"^export[ \t]+((?:GO|CGO_)\w+)\b", re.MULTILINE)
_RULE = regex(r"^([\w./%-]+(?: [\w./%-]+)*)[ \t]*:(?!=)([^\n#;]*)\n((?:\t[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE)
_INCLUDE = regex(r"^-?s?include[ \t]+(.+)$", re.MULTILINE)
_USED = regex(r"(?<!\$)\$(?:\((\w+)\)|\{(\w+)\})")
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
    if instruction.cmd == "RUN" and BUILDS.search(instruction.original) is None:
        said = "\n".join(_said(instruction.command, line, read))
    return replace(instruction, runs=said) if said else instruction


def _said(text: str, line: Line, read: Read) -> Iterator[str]:
    scripts = (found for found in _SCRIPT.finditer(text) if "build" in posixpath.basename(found[1]))
    for found in islice(scripts, _MANY):
        path = posixpath.join(_folder(text[: found.start()]), found[1])
        lines = (read(_lies(path, line)) or "").replace("\\\n", " ").splitlines()
        # One shell runs it: what an earlier line exports applies to later ones.
        own = (each for each in lines if each.strip() and not each.lstrip().startswith("#"))
        yield "; ".join([*_exports(_given(text, found)), *own])
    for found in islice(_MAKE.finditer(text), _MANY):
        quote = found[0][0] if found[0][0] in "\"'" else None  # `sh -c "make build"`
        given = _given(text, found)
        inside, said = made(
            parted(found[1].partition(quote)[0] if quote else found[1]),
            _folder(text[: found.start()]),
            lambda path: read(_lies(path, line)),
            given,
        ) or (".", "")
        # Each line of a recipe is a separate shell.
        before = "".join(f"{each} && " for each in _exports(given))
        before += f"cd {inside} && " if inside != "." else ""
        yield "".join(f"{before}{each}" if each.strip("\n") else each for each in with_ends(said))


def _given(text: str, found: re.Match[str]) -> dict[str, str]:
    """What the shell of a line sets for a tool."""
    own = found[0][: found.start(1) - found.start()].lstrip("|;&(\"'\n \t")
    words = parted(" ".join((*EXPORT.findall(text[: found.start()]), own)))
    return dict(word.split("=", 1) for word in words if re.match(r"[A-Za-z_]\w*=", word))


def _exports(given: Mapping[str, str]) -> list[str]:
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
    return [f"export {said}"] if said else []


def _folder(before: str) -> str:
    """The folder that the commands before have changed to."""
    return posixpath.join(".", *_CD.findall(before))


def _lies(path: str, line: Line) -> str:
    """The path in the build context of a file that a line names."""
    place = line.path(path)
    return in_context(place, line.brought) or posixpath.relpath(place, line.folder)


def made(
    words: Sequence[str], folder: str, read: Read, given: Mapping[str, str] = NOTHING
) -> tuple[str, str] | None:
    """The folder that `make WORDS` works in, and what it runs there; None without a Makefile. `given`: its environment."""
    below, file, left = _flags(words)
    folder = posixpath.normpath(posixpath.join(folder, below))
    text = _makefile(folder, [file] if file else _NAMES, read, set())
    return (folder, recipes(text, left, given)) if text is not None else None


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


def recipes(makefile: str, words: list[str], given: Mapping[str, str] = NOTHING) -> str:
    """What `make WORDS` runs, as a shell would receive it: variables of the Makefile substituted, those that the environment
    may set (`?=`) as `${NAME:-default}`. `given`: what it sets."""
    told = {name: value for name, equals, value in (w.partition("=") for w in words) if equals}
    variables = {"MAKE": "make", **given, **told}
    text = "\n".join(_that_apply(makefile.replace("\\\n", " ").split("\n"), variables, fixed=told))
    rules = {
        name: (needs.split(), body) for names, needs, body in _RULE.findall(text) for name in names.split()
    }
    first = next((name for name in rules if not name.startswith(".")), "")
    targets = [w for w in words if not w.startswith("-") and "=" not in w] or [first]
    run = "".join(rules[target][1] for target in _in_order(targets, rules))
    exported = _exports({name: variables[name] for name in _EXPORTED.findall(text) if name in variables})
    if exported:
        run = re.sub(
            r"^(\t[@-]*)(?=\S)", lambda found: f"{found[1]}{exported[0]} && ", run, flags=re.MULTILINE
        )
    # What nothing sets is the environment's, or nothing.
    run = filled(_USED, lambda found: f"${{{found[1] or found[2]}:-}}", _substituted(run, variables))
    return re.sub(r"^\t[@-]*", "", run, flags=re.MULTILINE).replace("$$", "$")


def _substituted(text: str, variables: Mapping[str, str]) -> str:
    for _ in range(_DEEP):
        text = filled(_USED, lambda found: variables.get(found[1] or found[2], found[0]), text)
    return text


def _that_apply(lines: Iterable[str], variables: dict[str, str], *, fixed: Collection[str]) -> Iterator[str]:
    """The lines of a Makefile whose conditions hold, with its variables (in place; `fixed`: those of the command line stay).
    If it is unknown whether one holds, what it sets is unknown: `$$`, as for a shell."""
    holds: list[bool | None] = []
    for line in lines:
        if (found := _IF.match(line)) is not None:
            _enter(holds, found[1], found[2], variables)
            continue
        if False in holds:
            continue
        if (said := _SET.match(line)) is not None and said[1] not in fixed:
            name, kind, value = said[1], said[2], said[3].strip(" \t") if None not in holds else "$$"
            if kind == "+" and name in variables:
                variables[name] = " ".join(filter(None, (variables[name], value)))
            elif kind == ":":  # as it is now; make takes what is not set for nothing
                variables[name] = _USED.sub("", _substituted(value, variables))
            elif kind != "?":
                variables[name] = value
            elif name not in variables:
                variables[name] = f"${{{name}:-{value}}}"
        yield line


def _enter(holds: list[bool | None], word: str, said: str, variables: Mapping[str, str]) -> None:
    """What a condition means for the lines after it: they apply, they do not, or it is unknown (None)."""
    if word == "endif":
        del holds[-1:]
        return
    if word == "else" and holds:
        before = holds.pop()
        inner = _IF.match(said)
        if before is True or inner is None:
            holds.append(None if before is None else not before)
            return
        word, said = inner[1], inner[2]
        holds.append(_is_true(word, said, variables) if before is False else None)
        return
    holds.append(_is_true(word, said, variables))


def _is_true(word: str, said: str, variables: Mapping[str, str]) -> bool | None:
    if word in ("ifdef", "ifndef"):
        return (expand(variables.get(said.strip(), ""), {}) != "") == (word == "ifdef")
    pair = _PAIR.fullmatch(said)
    if pair is None:
        return None
    sides = [_substituted(side or "", variables).strip() for side in (pair[1] or pair[4], pair[2] or pair[6])]
    # What is not set is nothing, and the environment changes no default.
    sides = [expand(_USED.sub("", side), {}, unknown="$") for side in sides]
    return None if "$" in "".join(sides) else (sides[0] == sides[1]) == (word == "ifeq")


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
