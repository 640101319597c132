"""The arguments for `go test`: which are flags, which are packages, and what the flags request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

# go help test, go help testflag, go help build: flags whose value is the next word.
_WITH_VALUE = frozenset(
    "C asmflags bench benchtime blockprofile blockprofilerate buildmode compiler count covermode coverpkg coverprofile cpu"
    " cpuprofile exec fuzz fuzzminimizetime fuzztime gccgoflags gcflags installsuffix ldflags list memprofile memprofilerate mod"
    " modfile mutexprofile mutexprofilefraction o outputdir overlay p parallel pgo pkgdir run shuffle skip tags timeout toolexec"
    " trace vet".split()
)
_TALKS = frozenset({"bench", "fuzz", "list", "n", "x", "v"})
"""Flags that print more than whether tests pass, and are given for that reason."""


class GoTestWords(Struct, frozen=True):
    """`flags`: as written; `last`: from `-args` on, for the test programs."""

    flags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def value(self, name: str) -> str | None:
        """The value of a flag: "" if it has none, None if the flag is absent."""
        found = None
        for at, word in enumerate(self.flags):
            flag, equals, value = _parted(word)
            if word.startswith("-") and flag == name:
                found = value if equals or name not in _WITH_VALUE else "".join(self.flags[at + 1 : at + 2])
        return found

    def has(self, name: str) -> bool:
        return self.value(name) not in (None, "false", "0")

    @property
    def talks(self) -> bool:
        return any(self.has(name) for name in _TALKS)


def go_test_words(words: Sequence[str]) -> GoTestWords:
    flags, packages = list[str](), list[str]()
    left = list(words)
    while left:
        word = left.pop(0)
        if word in ("-args", "--args"):
            return GoTestWords(tuple(flags), tuple(packages), (word, *left))
        if not word.startswith("-") or word == "-":
            packages.append(word)
            continue
        flags.append(word)
        name, equals, _ = _parted(word)
        if name in _WITH_VALUE and not equals and left:
            flags.append(left.pop(0))
    return GoTestWords(tuple(flags), tuple(packages))


def _parted(word: str) -> tuple[str, bool, str]:
    """`--test.run=X` is `-run X`."""
    name, equals, value = word.lstrip("-").partition("=")
    return name.removeprefix("test."), bool(equals), value
