"""What a RUN line has a tool do (`make build`, `./build.sh`): the text of the script, or of the recipes of a Makefile, so that the
`go build` in it is read as one of the Dockerfile's own lines would be."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from devctl.domain.dockerfile.build_args import after
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.go_build_lines import bring, in_context
from devctl.domain.dockerfile.stages import chain, expand

_HEAD = re.compile(r"^\s*RUN\s+(?:--\S+\s+)*", re.IGNORECASE)
_COMMAND = r"(?:^|[|;&(\n\"'])\s*(?:\w+=\S*\s+)*"
_SCRIPT = re.compile(_COMMAND + r"(?:(?:ba|a)?sh\s+(?:-\w+\s+)*)?([\w./-]*build[\w-]*\.sh)\b")
_MAKE = re.compile(_COMMAND + r"make\b((?:[ \t]+[^\s;&|\"']+)*)")
_SET = re.compile(r"^(?:export\s+)?(\w+)\s*([:?]?)=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_RULE = re.compile(
    r"^([\w./%-]+(?: [\w./%-]+)*)\s*:(?!=)([^\n#;]*)\n((?:\t[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE
)
_USED = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\})")
_DEEP = 5


def with_tools(facts: DockerfileFacts, read: Callable[[str], str | None]) -> DockerfileFacts:
    """`read`: gives a file of the build context, None where there is none."""
    return replace(facts, stages=tuple(_read(facts, stage, read) for stage in facts.stages))


def _read(facts: DockerfileFacts, stage: Stage, read: Callable[[str], str | None]) -> Stage:
    here, brought, found = "/", dict[str, str](), list[Instruction]()
    values = dict(facts.global_args)
    for instruction in (i for s in reversed(chain(facts, stage)) for i in s.instructions):
        values = after(instruction, values, {})
        if instruction.cmd == "WORKDIR":
            here = posixpath.normpath(posixpath.join(here, expand(instruction.value[0], values)))
        bring(brought, instruction, here, values)
        said = ""
        if instruction.cmd == "RUN" and "go build" not in instruction.original:
            folder = in_context(here, brought) or "."
            text = " ".join(instruction.value) if instruction.json else instruction.original
            said = "\n".join(_said(_HEAD.sub("", text.replace("\\\n", " ")), folder, read))
        found.append(replace(instruction, runs=said) if said else instruction)
    return replace(stage, instructions=tuple(found[len(found) - len(stage.instructions) :]))


def _said(text: str, folder: str, read: Callable[[str], str | None]) -> Iterator[str]:
    for script in _SCRIPT.findall(text):
        yield (read(posixpath.normpath(posixpath.join(folder, script))) or "").replace("\\\n", " ")
    for words in (found.split() for found in _MAKE.findall(text)):
        makefile = read(posixpath.normpath(posixpath.join(folder, "Makefile")))
        if makefile is not None and not {"-C", "-f"} & set(words):
            yield recipes(makefile, words)


def recipes(makefile: str, words: list[str]) -> str:
    """What `make WORDS` runs, as a shell would be told: variables of the Makefile filled in, those that the environment may
    set (`?=`) as `${NAME:-default}`."""
    text = makefile.replace("\\\n", " ")
    variables = {
        name: f"${{{name}:-{value}}}" if kind == "?" else value for name, kind, value in _SET.findall(text)
    }
    variables |= {name: value for name, equals, value in (w.partition("=") for w in words) if equals}
    rules = {
        name: (needs.split(), body) for names, needs, body in _RULE.findall(text) for name in names.split()
    }
    first = next((name for name in rules if not name.startswith(".")), "")
    targets = [w for w in words if not w.startswith("-") and "=" not in w] or [first]
    seen: list[str] = []
    while targets:
        target = targets.pop(0)
        if target in rules and target not in seen:
            seen.append(target)
            targets += rules[target][0]
    said = "".join(rules[target][1] for target in seen)
    for _ in range(_DEEP):
        said = _USED.sub(lambda found: variables.get(found[1] or found[2], found[0]), said)
    return re.sub(r"^\t[@-]*", "", said, flags=re.MULTILINE).replace("$$", "$")
