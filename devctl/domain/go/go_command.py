"""What the words of a `go run`, `go build` or `go install` mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from devctl.domain.regex import regex

_WITH_VALUE = frozenset(
    "o C tags ldflags gcflags asmflags mod modfile p exec overlay pgo buildmode installsuffix".split()
)
"""Flags whose value may be the next word."""
CHANGES_FOLDER = r"(?:--?C(?:=|\s+)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|\"']+)\s+)?"
GO = rf"\bgo\s+{CHANGES_FOLDER}"
"""Where the verb of a go command follows in a shell's text: `go build`, `go -C services/api build`."""
BUILDS = regex(rf"{GO}build\b")
PLACES_CACHE = regex(r"\b(?:GOCACHE|HOME|XDG_CACHE_HOME)\b")
"""What sets the location of Go's build cache: https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching"""


class GoCommand(Struct, frozen=True):
    """`folder`: where it works; `packages`: as written; `files`: those of the package that are named instead; `args`: what `go
    run` passes on; `output`: of `-o`, as written; `flags`: the others, each as one word (`-tags=a,b`); `env`: what is set only
    for this command."""

    verb: str
    folder: str
    packages: tuple[str, ...]
    files: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    output: str = ""
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The folder of the first one."""
        return posixpath.normpath(posixpath.join(self.folder, next(iter(self.packages), ".")))


def go_command(words: Sequence[str], folder: str, env: Mapping[str, str]) -> GoCommand | None:
    """From the words after `go`; None for those that compile none of the project's own programs."""
    below, left = _in_folder(words)
    folder = posixpath.join(folder, below)
    verb, output, flags = "".join(left[:1]), "", list[str]()
    if verb not in ("run", "build", "install"):
        return None
    left.pop(0)
    unknown = list[str]()
    while left and (left[0].startswith("-") or "$" in left[0]):
        if not left[0].startswith("-"):  # flags that only a shell knows, or the package
            unknown.append(left.pop(0))
            continue
        name, equals, value = left.pop(0).lstrip("-").partition("=")
        if not equals and name in _WITH_VALUE:
            equals, value = "=", left.pop(0) if left else ""
        if name == "C":
            folder = posixpath.join(folder, value)
        elif name == "o":
            output = value
        else:
            flags.append(f"-{name}{equals}{value}")
    end = next((n for n, word in enumerate(left) if not word.endswith(".go")), len(left))
    if end == 0 and verb == "run":
        end = 1
    left = [_unglobbed(word) if n < end or verb != "run" else word for n, word in enumerate(left)]
    files = tuple(left[:end]) if "".join(left[:1]).endswith(".go") else ()
    packages = (
        tuple(left[: end if verb == "run" else None]) if not files else (posixpath.dirname(files[0]) or ".",)
    )
    if any("@" in package for package in packages[:1]):  # someone else's program
        return None
    args = tuple(left[end:]) if verb == "run" else ()
    return GoCommand(
        verb,
        posixpath.normpath(folder),
        packages or tuple(unknown),
        files,
        args,
        output,
        (*flags, *(unknown if packages else ())),
        env,
    )


def _unglobbed(word: str) -> str:
    """The package whose files a shell would list for `app/*.go`, the packages that it would find for `./cmd/*`."""
    folder, name = posixpath.split(word)
    if name not in ("*.go", "*"):
        return word
    here = folder if folder[:1] in (".", "/", "$") else posixpath.join(".", folder)
    return here if name == "*.go" else posixpath.join(here, "...")


def go_verb(words: Sequence[str]) -> str:
    """Of a command: `build` of `go -C services/api build`; "" if another program is called."""
    return "".join(_in_folder(words[1:])[1][:1]) if words[:1] in (("go",), ["go"]) else ""


def _in_folder(words: Sequence[str]) -> tuple[str, list[str]]:
    """The folder of a `-C` before the verb, and the words from the verb on."""
    flag, equals, folder = "".join(words[:1]).partition("=")
    if flag not in ("-C", "--C"):
        return "", list(words)
    return (folder, list(words[1:])) if equals else ("".join(words[1:2]), list(words[2:]))


def flag_of(flags: Iterable[str], name: str) -> str:
    """The value that it has after all of these, "" if it is not among them."""
    return ["", *(flag.partition("=")[2] for flag in flags if flag.startswith(f"-{name}="))][-1]


def tags_of(flags: Iterable[str]) -> tuple[str, ...]:
    """Without those that only a shell knows."""
    return tuple(tag for tag in re.split(r"[,\s]+", flag_of(flags, "tags")) if re.fullmatch(r"[\w.]+", tag))
