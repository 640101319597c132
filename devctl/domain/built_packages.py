"""What a stage of a Dockerfile builds: the packages of its `go build` lines, each from the folder that it is called in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from devctl.domain.build_args import after
from devctl.domain.gofacts import Instruction, Stage
from devctl.domain.stages import expand

_GO_BUILD = re.compile(r"\bgo\s+(?P<verb>build|install|run)\b(?P<rest>[^\n&|;]*)")
_OUTPUT = re.compile(r"\s-o[ =]*[\"']?([^\s\"']+)")
_FOLDER = re.compile(r"\s-C[ =]+[\"']?([^\s\"']+)")
_CD = re.compile(r"\bcd\s+[\"']?([^\s&;|\"']+)")
_PACKAGE_WORD = re.compile(r"^\.{1,2}(?:/[\w./-]*)?$|^(?:cmd|app|apps|services)/[\w./-]+$")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
# Flags whose value is the next word.
_WITH_VALUE = frozenset(
    {
        "-o",
        "-C",
        "-tags",
        "-ldflags",
        "-gcflags",
        "-asmflags",
        "-mod",
        "-modfile",
        "-p",
        "-buildmode",
        "-installsuffix",
    }
)


def built_packages(
    stage: Stage, defaults: Mapping[str, str], args: Mapping[str, str]
) -> Iterator[tuple[int, tuple[str, str], str]]:
    """Line, package and name of the binary of each build. The package relative to the build context, as far as the lines say
    where that lies in the image, and as it is written."""
    values, here, top = dict(defaults), "/", ""
    for instruction in stage.instructions:
        values = after(instruction, values, args)
        if instruction.cmd == "WORKDIR":
            here = posixpath.normpath(posixpath.join(here, expand(instruction.value[0], values, unknown="$")))
        elif _copies_context(instruction):
            top = posixpath.normpath(posixpath.join(here, instruction.value[-1]))
        elif instruction.cmd in ("RUN", "CMD", "ENTRYPOINT"):
            text = instruction.original if not instruction.json else " ".join(instruction.value)
            for packages, binary in _built(expand(text, values, unknown="$"), here, top):
                yield instruction.line, packages, binary


def _copies_context(instruction: Instruction) -> bool:
    from_stage = any(flag.startswith("--from") for flag in instruction.flags)
    return instruction.cmd in ("COPY", "ADD") and not from_stage and instruction.value[0] in (".", "./")


def _built(text: str, here: str, top: str) -> Iterator[tuple[tuple[str, str], str]]:
    for found in _GO_BUILD.finditer(text):
        rest, folder = found["rest"], here
        for word in (*_CD.findall(text[: found.start()]), *_FOLDER.findall(rest)):
            folder = posixpath.normpath(posixpath.join(folder, word))
        inside = posixpath.relpath(folder, top or here)
        inside = "." if inside.startswith("..") else inside
        output = _OUTPUT.search(rest)
        named = posixpath.basename(output[1]) if output is not None else ""
        for word in _packages(rest) or (["."] if found["verb"] == "build" and _names_none(rest) else []):
            package = posixpath.normpath(posixpath.join(inside, word))
            yield (package, posixpath.normpath(word)), named or posixpath.basename(package)


def _packages(rest: str) -> list[str]:
    words = [_folder_of(word.strip("\"'")) for word in rest.split()]
    before = ["", *words]
    return [
        w
        for w, last in zip(words, before, strict=False)
        if _PACKAGE_WORD.match(w) and last not in ("-o", "-C")
    ]


def _folder_of(word: str) -> str:
    """`cmd/api/main.go` is a package too; a file of the folder itself is `.`."""
    return (posixpath.dirname(word) or ".") if word.endswith(".go") else word


def _names_none(rest: str) -> bool:
    """`go build -o main`: what is built is the folder that it is called in."""
    words = _QUOTED.sub("Q", rest).split()
    before = ["", *words]
    left = [
        w for w, last in zip(words, before, strict=False) if not w.startswith("-") and last not in _WITH_VALUE
    ]
    return not left
