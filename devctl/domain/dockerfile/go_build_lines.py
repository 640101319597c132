"""What a stage of a Dockerfile builds: its `go build` lines, each from the folder that it is called in."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.walk import NOTHING, Line, in_context, walk

_GO_BUILD = re.compile(
    r"(?P<env>(?:(?<![-\w])\w+=(?:\"[^\"]*\"|'[^']*'|[^\s\"';&|][^\s;&|]*)?\s+){0,40})\bgo\s+(?P<verb>build|install|run)\b(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^\n&|;])*)"
)
_FLAGS = re.compile(r"^\s*RUN\s+(?:--\S+\s+)*", re.IGNORECASE)
_OUTPUT = re.compile(r"\s-o[ =]*[\"']?([^\s\"']+)")
_FOLDER = re.compile(r"\s-C[ =]+[\"']?([^\s\"']+)")
_CD = re.compile(r"\bcd\s+[\"']?([^\s&;|\"']+)")
_PACKAGE_WORD = re.compile(r"^\.{1,2}(?:/[\w./-]*)?$|^(?:cmd|app|apps|services)/[\w./-]+$")
_LOOP = re.compile(r"\bfor\s+(\w+)\s+in\s+([^;\n]+?)\s*[;\n]\s*do\b(.*?)[;\n]\s*done\b", re.DOTALL)
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


@dataclass(frozen=True, slots=True)
class GoBuild:
    """One `go build` of one package. `packages`: relative to the build context, as far as the lines say where that lies in the
    image, and as it is written; `binary`: what the program is called, `output`: where it lies in the image, "" for `go run`;
    a folder where `in_folder`, that of all whose name nothing but the package or the module says. `env`: what is set for this
    command alone; `flags`: its other flags, each with its value; `files`: of the package, where the line names them instead."""

    line: int
    packages: tuple[str, str]
    binary: str
    output: str
    in_folder: bool
    env: Mapping[str, str]
    flags: tuple[str, ...]
    files: tuple[str, ...] = ()


def go_builds(facts: DockerfileFacts, stage: Stage, args: Mapping[str, str] = NOTHING) -> Iterator[GoBuild]:
    """Those of the stage's own lines."""
    for line in walk(facts, stage, args):
        if line.stage is stage and line.cmd in ("RUN", "CMD", "ENTRYPOINT"):
            said = line.instruction
            text = said.original if not said.json else " ".join(said.value)
            yield from _built(line.filled(unrolled(_FLAGS.sub("", text.replace("\\\n", " ")), line)), line)


def told_builds(line: Line) -> Iterator[GoBuild]:
    """Those of a tool that the line calls."""
    for said in line.filled(unrolled(line.instruction.runs, line)).splitlines():
        yield from _built(said, line)


def unrolled(text: str, line: Line) -> str:
    """`for c in api worker; do …; done` with what it does written out for each word."""

    def each(found: re.Match[str]) -> str:
        name, words = found[1], _words(line.filled(found[2]))
        use = re.compile(rf"\$(?:\{{{name}\}}|{name}\b)")
        return "\n".join(use.sub(lambda _, w=word: w, found[3]) for word in words)

    return _LOOP.sub(each, text)


def _built(text: str, at: Line) -> Iterator[GoBuild]:
    here = at.folder
    for found in _GO_BUILD.finditer(text):
        rest, folder = found["rest"], here
        for word in (*_CD.findall(text[: found.start()]), *_FOLDER.findall(rest)):
            folder = posixpath.normpath(posixpath.join(folder, word))
        inside = posixpath.relpath(folder, here)
        inside = "." if inside.startswith("..") else inside
        output = _OUTPUT.search(rest)
        named = posixpath.basename(output[1]) if output is not None else ""
        words = _packages(rest) or (["."] if found["verb"] == "build" and _names_none(rest) else [])
        for word in dict.fromkeys(map(posixpath.normpath, words)):  # `main.go routes.go` are one package
            package = in_context(posixpath.normpath(posixpath.join(folder, word)), at.brought)
            package = package or posixpath.normpath(posixpath.join(inside, word))
            yield GoBuild(
                at.instruction.line,
                (package, word),
                named or posixpath.basename(package),
                *_lies(
                    found["verb"], folder, output[1] if output is not None else "", posixpath.normpath(word)
                ),
                _env(found["env"]),
                tuple(_flags(rest)),
                _files(rest),
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


def _files(rest: str) -> tuple[str, ...]:
    words = (word.strip("\"'") for word in rest.split())
    return tuple(posixpath.basename(w) for w in words if w.endswith(".go") and not w.startswith("-"))


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
