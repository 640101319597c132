"""What a stage of a Dockerfile builds: its `go build` lines, each from the folder that it is called in."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from devctl.domain.dockerfile.build_args import after
from devctl.domain.dockerfile.facts import Instruction, Stage
from devctl.domain.dockerfile.stages import expand

_GO_BUILD = re.compile(
    r"(?P<env>(?:(?<![-\w])\w+=(?:\"[^\"]*\"|'[^']*'|[^\s\"']\S*)?\s+)*)\bgo\s+(?P<verb>build|install|run)\b(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^\n&|;])*)"
)
_FLAGS = re.compile(r"^\s*RUN\s+(?:--\S+\s+)*", re.IGNORECASE)
_OUTPUT = re.compile(r"\s-o[ =]*[\"']?([^\s\"']+)")
_FOLDER = re.compile(r"\s-C[ =]+[\"']?([^\s\"']+)")
_CD = re.compile(r"\bcd\s+[\"']?([^\s&;|\"']+)")
_PACKAGE_WORD = re.compile(r"^\.{1,2}(?:/[\w./-]*)?$|^(?:cmd|app|apps|services)/[\w./-]+$")
# A file has an ending, or a name as VERSION and Makefile have; nothing else tells the two apart here.
_FOLDER_NAME = re.compile(r"(?:[\w-]+/)*[a-z_][\w-]*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
NOTHING: Mapping[str, str] = MappingProxyType({})
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


@dataclass(frozen=True, slots=True)
class GoBuild:
    """One `go build` of one package. `packages`: relative to the build context, as far as the lines say where that lies in the
    image, and as it is written; `binary`: what the program is called, `output`: where it lies in the image, "" for `go run`;
    a folder where `in_folder`, that of all whose name nothing but the package or the module says. `env`: what is set for this
    command alone; `flags`: its other flags, each with its value."""

    line: int
    packages: tuple[str, str]
    binary: str
    output: str
    in_folder: bool
    env: Mapping[str, str]
    flags: tuple[str, ...]


def built_packages(
    stage: Stage, defaults: Mapping[str, str], args: Mapping[str, str]
) -> Iterator[tuple[int, tuple[str, str], str]]:
    """Line, package and name of the binary of each build."""
    for build in go_builds(stage, defaults, args):
        yield build.line, build.packages, build.binary


def go_builds(
    stage: Stage,
    defaults: Mapping[str, str],
    args: Mapping[str, str],
    *,
    here: str = "/",
    brought: Mapping[str, str] = NOTHING,
) -> Iterator[GoBuild]:
    """`here` and `brought`: the working directory that the stage begins with, and what the stages below it have of the context."""
    values, brought = dict(defaults), dict(brought)
    for instruction in stage.instructions:
        values = after(instruction, values, args)
        if instruction.cmd == "WORKDIR":
            here = posixpath.normpath(posixpath.join(here, expand(instruction.value[0], values, unknown="$")))
        elif instruction.cmd in ("COPY", "ADD"):
            bring(brought, instruction, here, values)
        elif instruction.cmd in ("RUN", "CMD", "ENTRYPOINT"):
            text = instruction.original if not instruction.json else " ".join(instruction.value)
            text = expand(_FLAGS.sub("", text.replace("\\\n", " ")), values, unknown="$")
            yield from _built(text, here, brought, line=instruction.line)


def told_builds(
    instruction: Instruction, here: str, brought: Mapping[str, str], values: Mapping[str, str]
) -> Iterator[GoBuild]:
    """Those of a tool that the line calls."""
    text = expand(instruction.runs, values, unknown="$")
    for said in text.splitlines():
        yield from _built(said, here, brought, line=instruction.line)


def bring(brought: dict[str, str], instruction: Instruction, here: str, values: Mapping[str, str]) -> None:
    """`COPY backend/ .`: adds the folder of the image, with the one of the context whose content lies in it then."""
    plain = instruction.cmd in ("COPY", "ADD") and not any(f.startswith("--from") for f in instruction.flags)
    if not plain or len(instruction.value) != 2:
        return
    source, target = (expand(word, values, unknown="$") for word in instruction.value)
    source = posixpath.normpath(source).lstrip("/") or "."
    target = posixpath.normpath(posixpath.join(here, target))
    if source == "." or (_FOLDER_NAME.fullmatch(source) and brought.get(target) != "."):
        brought[target] = source


def in_context(path: str, brought: Mapping[str, str]) -> str | None:
    """Where a path of the image comes from in the build context, as far as COPY lines say."""
    below = [folder for folder in brought if folder in ("/", path) or path.startswith(f"{folder}/")]
    if not below:
        return None
    folder = max(below, key=len)
    return posixpath.normpath(posixpath.join(brought[folder], posixpath.relpath(path, folder)))


def _built(text: str, here: str, brought: Mapping[str, str], *, line: int) -> Iterator[GoBuild]:
    for found in _GO_BUILD.finditer(text):
        rest, folder = found["rest"], here
        for word in (*_CD.findall(text[: found.start()]), *_FOLDER.findall(rest)):
            folder = posixpath.normpath(posixpath.join(folder, word))
        inside = posixpath.relpath(folder, here)
        inside = "." if inside.startswith("..") else inside
        output = _OUTPUT.search(rest)
        named = posixpath.basename(output[1]) if output is not None else ""
        words = _packages(rest) or (["."] if found["verb"] == "build" and _names_none(rest) else [])
        for word in dict.fromkeys(words):  # `main.go routes.go` are one package
            package = in_context(posixpath.normpath(posixpath.join(folder, word)), brought)
            package = package or posixpath.normpath(posixpath.join(inside, word))
            yield GoBuild(
                line,
                (package, posixpath.normpath(word)),
                named or posixpath.basename(package),
                *_lies(
                    found["verb"], folder, output[1] if output is not None else "", posixpath.normpath(word)
                ),
                _env(found["env"]),
                tuple(_flags(rest)),
            )


def _lies(verb: str, folder: str, output: str, package: str) -> tuple[str, bool]:
    if verb == "run":
        return "", False
    if verb == "install":
        return "/go/bin", True
    path = posixpath.normpath(posixpath.join(folder, output))
    return path, not output or output.endswith("/") or package.endswith("...")


def _env(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (word.partition("=") for word in _words(text))}


def _flags(rest: str) -> Iterator[str]:
    """Each flag as one word, `-tags=a,b`, but where from and where to is built."""
    words = iter(_words(rest))
    for word in words:
        name, equals, value = word.partition("=")
        name = f"-{name.lstrip('-')}"
        if not word.startswith("-"):
            continue
        if not equals and name in _WITH_VALUE:
            equals, value = "=", next(words, "")
        if name not in ("-o", "-C"):
            yield f"{name}{equals}{value}"


def linked_in(flags: Iterable[str]) -> str:
    """The `-X NAME=VALUE` of a `-ldflags`, as the go command reads them: what else is in there makes a binary smaller, or links
    it otherwise. Without those whose value only the shell of that line knows (`$(git rev-parse HEAD)`)."""
    said = next((flag.partition("=")[2] for flag in flags if flag.startswith("-ldflags=")), "")
    found, words = [], iter(_words(said))
    for word in words:
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or name != "X":
            continue
        value = value if equals else next(words, "")
        quote = next((q for q in ("", "'", '"') if _holds(q, value)), None)
        if "=" in value and quote is not None and not set(value) & {"$", "`"}:
            found.append(f"-X {quote}{value}{quote}")
    return " ".join(found)


def _holds(quote: str, value: str) -> bool:
    """The go command knows quotes around a whole word, and no escapes (cmd/internal/quoted)."""
    return quote not in value if quote else not any(c.isspace() or c in "'\"" for c in value)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


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
