"""What a RUN line of a build stage does: it installs something, fetches modules, or needs the source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devctl.domain.dockerfile.facts import Instruction
from devctl.domain.go.go_command import GO
from devctl.domain.regex import regex

_MODULES = regex(
    rf"{GO}(?:mod\s+(?:download|verify|tidy|vendor|graph)|work\s+(?:sync|vendor)|get\s+(?:-\S+\s+)*\./)"
)
# Blanks are matched on one line and once: `\s*` after a line end would be retried at each of many empty lines.
BEGIN = r"(?:^|[|;&(\n\"'])[ \t]*(?:\w+=(?:\"[^\"]*\"|'[^']*'|[^\s|;&\"']*)[ \t]+)*"
"""Where a command begins in a shell's text, after its own variables."""
_COMPILES = regex(
    rf"{GO}(?:build|install|run|vet|test|generate)\b(?![^&|;]*@)"
    rf"|{BEGIN}(?:make|mage|task|just|goreleaser"
    r"|(?:(?:ba|a)?sh[ \t]+(?:-\w+[ \t]+)*)?(?=[\w./-]*build)[\w./-]+\.sh)\b"
)
_GENERATES = regex(
    rf"^(?:{GO}generate|templ\s+generate|sqlc\s+generate|buf\s+generate|swag\s+init|wire\s+(?:gen\s+)?\.|protoc\s"
    rf"|{GO}(?:run|tool)\s+\S*\b(?:templ|sqlc|buf|swag|wire|oapi-codegen|mockgen)\b)"
)
_RUNS = regex(rf"{GO}(?:run|generate)\b")
_INSTALLS = regex(
    r"^(?:\w+=\S+\s+)*(?:apk|apt|apt-get|dnf|microdnf|yum|update-ca-certificates|adduser|addgroup|useradd|groupadd|curl|wget|tar"
    rf"|unzip|mkdir|rm|git\s+config|{GO}env|{GO}install\s+\S*@|pip3?\s+install|npm\s+(?:i|install)\s+(?:-g|--global))\b"
)
_PLACES = regex(
    r"^(?:\w+=\S+\s+)*(?:mkdir|chmod|ln|cp|mv|touch|echo|printf|true|test|cd|set|sed|cat|\[|:)(?:\s|$)"
)
_ADDS = regex(
    r"^(?:\w+=\S+\s+)*(?:apk\s+(?:-\S+\s+)*(?:add|update|upgrade)|(?:apt|apt-get)\s+(?:-\S+\s+)*(?:install|update|upgrade|clean)"
    r"|update-ca-certificates|adduser|addgroup|useradd|groupadd|chown|setcap|rm\s+-\w+\s+/(?:var/cache|var/lib/apt|tmp)/\S*$)(?:\s|$)"
)


_LEAVES = regex(
    r"^(?:\w+=\S+\s+)*(?:mkdir|chmod|chown|rm|ls|test|\[|strip|upx|file|cd|set|export|setcap|du|apk|apt|apt-get)(?:\s|$)"
)


def makes(command: str) -> bool:
    """Whether it may write a file that is neither a program of the project nor installed."""
    if ">" in command:
        return True
    return not (_LEAVES.match(command) or installs(command) or fetches_modules(command)) and (
        not compiles(command) or _RUNS.search(command) is not None
    )


def commands(instruction: Instruction) -> Iterator[str]:
    """Each command of a chain (`apk add git && go build`), without line ends; the whole if it has another form."""
    text = instruction.command
    for part in [text] if instruction.json or "<<" in text else text.split("&&"):
        yield part.strip()


def parts(instruction: Instruction) -> Iterator[str]:
    """Each simple command, however it is joined to the next."""
    for part in re.split(r"&&|\|\||[;|\n]", instruction.command):
        if part.strip():
            yield part.strip()


def installs(command: str) -> bool:
    """Whether it needs nothing from the source."""
    return _INSTALLS.match(command) is not None and not compiles(command) and not fetches_modules(command)


def places(command: str) -> bool:
    """Whether it creates or changes files with what every system has."""
    return _PLACES.match(command) is not None


def adds(command: str) -> bool:
    """Whether it installs something, or says whose a file is, and takes away nothing that compiling needs."""
    return _ADDS.match(command) is not None


def compiles(command: str) -> bool:
    """`go build`, or a tool that is likely to run it; `apk add make` and `go install TOOL@VERSION` do not."""
    return _COMPILES.search(command) is not None and not re.match(
        r"(?:apk|apt|apt-get|dnf|microdnf|yum)\b", command
    )


def fetches_modules(command: str) -> bool:
    return _MODULES.search(command) is not None


def flags(instruction: Instruction) -> str:
    """`RUN --mount=…` with its flags."""
    return " ".join(("RUN", *instruction.flags))


def generating(instruction: Instruction) -> Iterator[str]:
    """Commands that write Go code, including those of a build tool that it calls."""
    told = re.split(r"&&|\|\||[;|\n]", instruction.runs)
    for command in (*parts(instruction), *map(str.strip, told)):
        if _GENERATES.match(command):
            yield command
