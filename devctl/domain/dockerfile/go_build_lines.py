"""What a stage of a Dockerfile builds: its `go build` lines, each with the folder that it is called in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from devctl.domain.command.argv import parted
from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.stages import expand, filled
from devctl.domain.dockerfile.walk import NOTHING, Line, in_context, walk
from devctl.domain.go.go_command import CHANGES_FOLDER, GoCommand, flag_of, go_command
from devctl.domain.paths import is_below
from devctl.domain.regex import regex

_GO_BUILD = regex(
    r"(?P<env>(?:(?<![-\w])\w+=(?:\"[^\"]*\"|'[^']*'|[^\s\"';&|][^\s;&|]*)?\s+){0,40})"
    rf"\bgo\s+(?P<folder>{CHANGES_FOLDER})(?P<verb>build|install|run)\b(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^\n&|;])*)"
)
_SETS = regex(
    r"(?<![^\s;&|({])(?<!\bexport )(?<!\benv )([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"';&|()]*)(?=[ \t]*(?:[;&|\n)}]|$))"
)
_MANY = 100
"""Variables that one line sets, as far as they are read."""
_OPENS_CONDITION = regex(r"(?<![\w-])(?:if|case|while|until)\s")
_CLOSES_CONDITION = regex(r"(?<![\w-])(?:fi|esac|done)(?![\w-])")
_TEST = regex(
    r"(?:\[\s+(?:(-[nz])\s+([^\]\s]*)\s+)?[^\]\n]{0,200}\]{1,2}|\btest\s[^;&|\n]{0,200})\s*(&&|\|\|)\s*$"
)
_UNKNOWN = ("$", "$")
"""The package of a build whose words only a shell knows."""
_SUBSHELL = regex(r"(?<!\$)\([^()]*\)")
EXPORT = regex(r"\bexport[ \t]+((?:\w+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"';&|])*[ \t]*){1,40})")
_CD = regex(r"\bcd\s+[\"']?([^\s&;|\"']+)")
_PACKAGE_WORD = regex(r"^\.{1,2}(?:/[\w./-]*)?$|^(?:cmd|app|apps|services)/[\w./-]+$")
_ONLY_A_SHELL = regex(r"\$\([^()]*\)|`[^`\n]*`")
# Bounded, like everything that a search is started for repeatedly in a text that may be long.
_LOOP = regex(
    r"\bfor\s{1,99}(\w+)\s{1,99}in\s([^;\n]{1,4096})[;\n]\s{0,99}do\b(.{0,2048}?)[;\n][ \t]{0,99}done\b",
    re.DOTALL,
)

GO_VARIABLES = ("GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFLAGS", "GOWORK")
"""What decides how Go builds, wherever it is set; where modules come from concerns only the deps layer."""


class GoBuild(Struct, frozen=True):
    """One `go build` of one package. `packages`: relative to the build context, as far as the lines say where that is in the
    image, and as written; `binary`: the program's name, `output`: its path in the image, "" for `go run`; a folder if
    `in_folder`, that of all whose name only the package or the module determines: then `-o` ends in `/`, the lines before say
    that it is a folder, or it is for several packages. `env`: what its shell sets for it, `variables`: all of Go's that apply;
    `flags`: its other flags, each with its value; `files`: of the package, if the line names them instead."""

    line: int
    packages: tuple[str, str]
    binary: str
    output: str
    in_folder: bool
    env: Mapping[str, str]
    flags: tuple[str, ...]
    files: tuple[str, ...] = ()
    variables: Mapping[str, str] = NOTHING

    @property
    def has_unknown(self) -> bool:
        """Whether some of its flags are for a shell only: not a value that is linked in, which is a version number or a date."""
        return any("$" in f and (not f.startswith("-ldflags") or "-X" not in f) for f in self.flags)


def own_build(
    builds: Iterable[GoBuild], packages: Collection[str], started: Sequence[str] = ()
) -> GoBuild | None:
    """The one that builds this package (`packages`: the words for its folder, that in the build context first): what names
    it before a pattern, and what a container starts before the rest (`started`: the words, without folders). No other
    program's, but one whose words only a shell knows."""
    found = list(builds)
    here = [b for b in found if b.packages[0] == next(iter(packages), None)]
    exact = here or [b for b in found if any(word in packages for word in b.packages)]
    patterns = [b for b in found if _covers(b.packages[0], packages)]
    unknown = [b for b in found if b.packages == _UNKNOWN]
    ranked = exact or patterns or [b for b in unknown if len(unknown) == 1 or b.binary in started]
    return min(ranked, key=lambda b: (*started, b.binary).index(b.binary), default=None)


def _covers(word: str, packages: Iterable[str]) -> bool:
    folder = posixpath.normpath(word.removesuffix("..."))
    return word.endswith("...") and any(is_below(package, folder) for package in packages)


def run_builds(facts: DockerfileFacts, stage: Stage, args: Mapping[str, str] = NOTHING) -> Iterator[GoBuild]:
    """Those of the stage's RUN lines and the tools that they call, including any whose package only a shell knows."""
    for line in walk(facts, stage, args):
        if line.stage is stage and line.cmd == "RUN":
            found = (*told_commands(line), *go_commands(line))
            yield from _built(line, (c for c in found if c.verb != "run"), unknown=(_UNKNOWN[0],))


def go_builds(facts: DockerfileFacts, stage: Stage, args: Mapping[str, str] = NOTHING) -> Iterator[GoBuild]:
    """Those of the stage's own lines."""
    for line in walk(facts, stage, args):
        if line.stage is stage and line.cmd in ("RUN", "CMD", "ENTRYPOINT"):
            yield from _built(line, go_commands(line))


def told_builds(line: Line) -> Iterator[GoBuild]:
    """Those of a tool that the line calls."""
    return _built(line, told_commands(line))


def go_commands(line: Line) -> Iterator[GoCommand]:
    """Those that a line of a stage runs, in folders of the image."""
    return _commands(_unrolled(line.instruction.command, line), line)


def told_commands(line: Line) -> Iterator[GoCommand]:
    """Those of a tool that the line calls."""
    for said in _unrolled(line.instruction.runs, line).splitlines():
        yield from _commands(said, line)


def _commands(text: str, at: Line) -> Iterator[GoCommand]:
    for found in _GO_BUILD.finditer(text):
        before = _SUBSHELL.sub("", text[: found.start()])
        folder = posixpath.normpath(posixpath.join(at.folder, *_CD.findall(before)))
        said = " ".join((*EXPORT.findall(before), found["env"]))
        env = dict(word.split("=", 1) for word in parted(said) if "=" in word and not set("$`") & set(word))
        command = go_command([*parted(found["folder"]), found["verb"], *parted(found["rest"])], folder, env)
        if command is not None:
            yield command


def _unrolled(text: str, line: Line) -> str:
    """With the variables substituted, and `for c in api worker; do …; done` written out for each word."""

    def each(found: re.Match[str]) -> str:
        name, words = found[1], parted(line.filled(found[2]))
        use = re.compile(rf"\$(?:\{{{name}\}}|{name}\b)")
        return "\n".join(use.sub(lambda _, w=word: w, found[3]) for word in words)

    return _run_through(filled(_LOOP, each, _ONLY_A_SHELL.sub("$", text)), line)


def _run_through(text: str, line: Line) -> str:
    """With variables substituted, those that the text itself sets (`TAGS=x; go build -tags $TAGS`) from there on. One that is
    set under a condition is unknown."""
    values, parts, at = dict(line.values), list[str](), 0
    for found in islice(_SETS.finditer(text), _MANY):
        before = text[at : found.start()]
        parts.append(expand(before, values, unknown="$"))
        at = found.start()
        holds = _holds_before("".join(parts))
        if holds is not False:
            word = expand(found[2], {} if found[2].startswith("'") else values, unknown="$")
            values[found[1]] = "".join(parted(word)[:1]) if holds else "$"
    return "".join([*parts, expand(text[at:], values, unknown="$")])


def _holds_before(text: str) -> bool | None:
    """Whether a command at the end of this text runs; None if that is unknown."""
    if len(_OPENS_CONDITION.findall(text)) > len(_CLOSES_CONDITION.findall(text)):
        return None
    tail = _TEST.search(text)
    if tail is None:
        return None if re.search(r"\|\|\s*$", text) else True
    if tail[1] is None:
        return None
    known = "".join(parted(tail[2])[:1])
    return None if "$" in known else ((known != "") == (tail[1] == "-n")) == (tail[3] == "&&")


def _built(at: Line, commands: Iterable[GoCommand], unknown: tuple[str, ...] = ()) -> Iterator[GoBuild]:
    for command in commands:
        if command.output == "/dev/null":  # a check
            continue
        inside = posixpath.relpath(command.folder, at.folder)
        inside = "." if inside.startswith("..") else inside
        words = _folders(command) or unknown
        variables = {k: v for k, v in {**at.values, **command.env}.items() if k in GO_VARIABLES and v}
        for word in map(posixpath.normpath, words):
            package = (
                None
                if word in unknown
                else in_context(posixpath.normpath(posixpath.join(command.folder, word)), at.brought)
            )
            package = package or (
                word if word in unknown else posixpath.normpath(posixpath.join(inside, word))
            )
            output, in_folder = _lies(command, at)
            yield GoBuild(
                at.instruction.line,
                (package, word),
                posixpath.basename(package if in_folder or not command.output else command.output),
                output,
                in_folder,
                command.env,
                command.flags,
                tuple(map(posixpath.basename, command.files)),
                variables,
            )


def _folders(command: GoCommand) -> tuple[str, ...]:
    """The packages that are folders: always that of files which are named, else what is no import path and no shell's word."""
    if command.files:
        return tuple(word for word in command.packages if "$" not in word)
    return tuple(filter(_PACKAGE_WORD.match, command.packages or (".",)))


def _lies(command: GoCommand, at: Line) -> tuple[str, bool]:
    if command.verb == "run":
        return "", False
    if command.verb == "install":
        values = {**at.values, **command.env}
        return values.get("GOBIN") or posixpath.join(values.get("GOPATH") or "/go", "bin"), True
    path = posixpath.normpath(posixpath.join(command.folder, command.output))
    named = command.output and not command.output.endswith("/") and len(command.packages) < 2
    return path, not named or at.is_folder(path)


def linked_in(flags: Iterable[str]) -> str:
    """The `-X NAME=VALUE` of a `-ldflags`, as the go command reads them: everything else there makes a binary smaller, or
    links it differently. Without those whose value only that line's shell knows (`$(git rev-parse HEAD)`)."""
    found, words = [], iter(parted(flag_of(flags, "ldflags")))
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
    """The go command accepts quotes around a whole word, and no escapes (cmd/internal/quoted)."""
    return quote not in value if quote else not any(c.isspace() or c in "'\"" for c in value)
