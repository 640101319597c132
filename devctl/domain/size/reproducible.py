"""Two builds of the same source: do they give the same program? If not, what in it differs between builds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import asdict

from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.image.elf import sections
from devctl.domain.image.go_binary import BuildInfo, build_info
from devctl.domain.regex import regex

_IDS = (".note.go.buildid", ".note.gnu.build-id", ".go.buildinfo")
"""What follows from the rest, and what is compared as settings."""
_TEXT = regex(rb"[\x20-\x7e]+")
_MOST_TEXT = 60
# A command in a RUN line whose output differs each time, or from one machine to the next.
_CHANGING = regex(
    r"(?P<found>\$\((?:date|hostname|uuidgen|mktemp)\b[^)]*\)|`(?:date|hostname|uuidgen)\b[^`]*`|\$RANDOM\b)"
)


class Reason(Struct, frozen=True):
    """Why two builds differ; `place` is the line to change, if known."""

    what: str
    place: str | None = None


class Twice(Struct, frozen=True):
    """The program of one service, built twice. `remarks`: what an equal hash depends on."""

    service: str
    base: str
    path: str
    sha256: str
    again_sha256: str
    reasons: tuple[Reason, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        return self.sha256 == self.again_sha256

    def as_json(self) -> dict[str, object]:
        return {
            "service": self.service,
            "base": self.base,
            "path": self.path,
            "same": self.same,
            "sha256": self.sha256,
            "again_sha256": self.again_sha256,
            "reasons": [asdict(reason) for reason in self.reasons],
            "remarks": list(self.remarks),
        }

    @property
    def text(self) -> list[str]:
        if self.same:
            lines = [f"{self.service}: two builds, identical binaries (sha256 {self.sha256[:16]}…)"]
        else:
            lines = [f"{self.service}: two builds, different binaries"]
            lines += [f"  {f'{r.place}: ' if r.place else ''}{r.what}" for r in self.reasons]
        return [*lines, *(f"  {remark}" for remark in self.remarks)]


def compare_builds(
    service: str, base: str, path: str, *, one: bytes, other: bytes, dockerfile: DockerfileFacts | None
) -> Twice:
    """`dockerfile`: the user's; None if the stages are devctl's own, which stamp nothing."""
    infos = build_info(one), build_info(other)
    reasons: tuple[Reason, ...] = ()
    if one != other:
        reasons = (*_stamps(dockerfile), *_settings(*infos), *_texts(one, other))
        reasons = reasons or (Reason("neither build settings nor text differ: the code or its layout does"),)
    return Twice(
        service,
        base,
        path,
        hashlib.sha256(one).hexdigest(),
        hashlib.sha256(other).hexdigest(),
        reasons,
        tuple(_remarks(infos[0], dockerfile if one == other else None)),
    )


def _stamps(dockerfile: DockerfileFacts | None) -> Iterator[Reason]:
    """Lines whose commands give something else each time. A date without a time changes only once a day."""
    for stage in dockerfile.stages if dockerfile is not None else ():
        for instruction in stage.instructions:
            found = _CHANGING.search(instruction.original) if instruction.cmd == "RUN" else None
            if found is not None and dockerfile is not None:
                place = f"{dockerfile.path}:{instruction.line}"
                yield Reason(f"the build embeds the output of {found['found']}", place)


def _settings(one: BuildInfo | None, other: BuildInfo | None) -> Iterator[Reason]:
    if one is None or other is None:
        return
    if one.go != other.go:
        yield Reason(f"built by {one.go} and by {other.go}")
    for kind, left, right in (
        ("module", one.modules, other.modules),
        ("build setting", one.settings, other.settings),
    ):
        yield from (
            Reason(f"{kind} {name}: {left.get(name, 'absent')} and {right.get(name, 'absent')}")
            for name in _unlike(left, right)
        )


def _unlike(left: Mapping[str, str], right: Mapping[str, str]) -> list[str]:
    return sorted(n for n in left.keys() | right.keys() if left.get(n) != right.get(n))


def _texts(one: bytes, other: bytes) -> Iterator[Reason]:
    """The first text that differs in each section with data."""
    theirs = {s.name: other[s.offset : s.offset + s.size] for s in sections(other)}
    for section in sections(one):
        if section.name in _IDS or section.name not in theirs or "rodata" not in section.name:
            continue
        mine, its = one[section.offset : section.offset + section.size], theirs[section.name]
        at = _first_difference(mine, its)
        left, right = _text_at(mine, at), _text_at(its, at)
        if left and right and left != right:
            yield Reason(f"text in the program: {left!r} and {right!r}")


def _first_difference(one: bytes, other: bytes) -> int:
    """By bisection, since comparing byte by byte in Python takes seconds for a large program."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text_at(data: bytes, at: int) -> str:
    start = at
    while start > 0 and at - start < _MOST_TEXT // 2 and 0x20 <= data[start - 1] <= 0x7E:
        start -= 1
    found = _TEXT.match(data, start, start + _MOST_TEXT)
    return found[0].decode() if found is not None else ""


def _remarks(info: BuildInfo | None, dockerfile: DockerfileFacts | None) -> Iterator[str]:
    if info is None:
        yield "the binary contains no build information, so it is not known how it was built"
        return
    # devctl's own Dockerfile has one folder for everything.
    if info.settings.get("-trimpath") != "true" and dockerfile is not None:
        yield "built without -trimpath: a different WORKDIR in the Dockerfile changes the hash"
    if info.settings.get("vcs.modified") == "true":
        yield "built from a working tree with uncommitted changes"
    if info.settings.get("CGO_ENABLED") == "1":
        yield "built with cgo: the hash also depends on the base image's C compiler"
    for stamp in _stamps(dockerfile):
        yield f"{stamp.place}: {stamp.what}: it will differ tomorrow"
