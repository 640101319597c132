"""What the first lines of a Go file say: its package, its imports, whether it is built at all. No grammar needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from devctl.domain.regex import regex

# Possessive, so that a long comment that is not a Go file at all costs no backtracking.
_PACKAGE = regex(rb"(?:\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+package\s++(\w++)")
_END_OF_IMPORTS = regex(rb"^(?:func|type|var|const)\b", re.MULTILINE)
_IMPORT = regex(rb'^[ \t]*(?:import[ \t]*\(?[ \t]*)?(?:[\w.]+[ \t]+)?["`]([^"`\n]+)["`]', re.MULTILINE)
_BUILD = regex(rb"^//go:build[ \t]+(.*?)[ \t\r]*$", re.MULTILINE)
_OLD_BUILD = regex(rb"^//[ \t]*\+build[ \t]+(.*?)[ \t\r]*$", re.MULTILINE)
_WORD = regex(r"&&|\|\||[!()]|[\w.]+")

# From `go tool dist list`: enough of it to read file names as the go command does.
_GOOS = "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos"
_SYSTEMS = frozenset(_GOOS.split())
_GOARCH = "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x sparc64 wasm"
_MACHINES = frozenset(_GOARCH.split())
# cgo counts as on: a file that needs it must be seen, since a stub may build without it and fail at run time.
_BUILT_FOR = frozenset({"linux", "amd64", "unix", "gc", "cgo"})


# What a generator reads, what it writes, and its command. A file with a fixed name stands for the folder.
_GENERATED = (
    (regex(r"(?P<stem>\w[\w.-]*)\.templ"), "{stem}_templ.go", "templ generate"),
    (regex(r"wire\.go"), "wire_gen.go", "wire ./..."),
)


class Head(Struct, frozen=True):
    package: str
    imports: frozenset[str]


def file_name_counts(name: str) -> bool:
    """Whether the go command would build a file of this name for linux/amd64, except for tests."""
    if not name.endswith(".go") or name.startswith(("_", ".")) or name.endswith("_test.go"):
        return False
    parts = name.removesuffix(".go").split("_")[1:]
    if not parts:
        return True
    last = parts[-1]
    if last in _MACHINES:
        return last == "amd64" and (len(parts) < 2 or parts[-2] not in _SYSTEMS or parts[-2] == "linux")
    return last not in _SYSTEMS or last == "linux"


def read_head(source: bytes) -> Head | None:
    """None for a file that is not built (build constraints) or is not a Go file."""
    found = _PACKAGE.match(source, 3 if source.startswith(b"\xef\xbb\xbf") else 0)
    if found is None or not _is_built(source[: found.end()]):
        return None
    end = _END_OF_IMPORTS.search(source, found.end())
    # The first 64 KiB of a file without declarations are plenty: imports come first.
    imports = _IMPORT.findall(source, found.end(), end.start() if end else found.end() + 65536)
    return Head(found[1].decode(), frozenset(path.decode(errors="replace") for path in imports))


def ungenerated(names: frozenset[str], *, built: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    """Files in a folder whose generated Go code is missing: source, missing name, the command that writes it.

    `built`: those that Go builds unchanged; a wire.go among them is not an injector of wire's.
    """
    found = []
    for name in sorted(names.difference(built)):
        for source, target, command in _GENERATED:
            fits = source.fullmatch(name)
            missing = target.format(**fits.groupdict()) if fits is not None else ""
            if missing and missing not in names:
                found.append((name, missing, command))
    return tuple(found)


def named_by_imports(folders: Iterable[str], imports: Iterable[str]) -> str:
    """What a repository without go.mod calls itself in its own imports: `x.org/shop/db`, if there is a folder `db`."""
    here = {folder for folder in folders if folder != "."}
    named = (path.removesuffix(f"/{f}") for path in imports for f in here if path.endswith(f"/{f}"))
    # A folder of a dependency may be named like one here, but not most of them.
    return max(Counter(named).items(), key=lambda item: (item[1], -len(item[0])), default=("", 0))[0]


def _is_built(before_package: bytes) -> bool:
    if b"build" not in before_package:
        return True
    if (line := _BUILD.search(before_package)) is not None:
        return _holds(line[1].decode(errors="replace"))
    lines = [found[1].decode(errors="replace") for found in _OLD_BUILD.finditer(before_package)]
    return all(_holds_old(line) for line in lines)


def _holds_old(line: str) -> bool:
    """`// +build a,b !c` means (a and b) or not c."""
    return any(all(map(_holds, option.split(","))) for option in line.split())


def _holds(expression: str) -> bool:
    """Whether a `//go:build` expression is true; one that cannot be parsed counts as true."""
    words = _WORD.findall(expression)[::-1]
    try:
        result = _either(words)
    except (IndexError, RecursionError):
        return True
    return result if not words else True


def _either(words: list[str]) -> bool:
    result = _both(words)
    while words and words[-1] == "||":
        words.pop()
        right = _both(words)
        result = result or right
    return result


def _both(words: list[str]) -> bool:
    result = _one(words)
    while words and words[-1] == "&&":
        words.pop()
        right = _one(words)
        result = result and right
    return result


def _one(words: list[str]) -> bool:
    word = words.pop()
    if word == "!":
        return not _one(words)
    if word == "(":
        result = _either(words)
        words.pop()
        return result
    return word in _BUILT_FOR or re.fullmatch(r"go1\.\d+", word) is not None
