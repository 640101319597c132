"""ELF headers as facts: is a program static, for which machine, where are its sections. Bytes in, facts out.

devctl's own parser, since pyelftools cannot read a program from its head alone: docs/decisions/0018-own-parsers.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

HEAD = 64 * 1024
"""Bytes: enough of a program for its headers and the name of its interpreter."""
_PT_INTERP = 3
_MIPS = 8
_MACHINES = {
    3: "386",
    _MIPS: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "amd64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}
# What follows the 16 bytes of identification; one program header; one entry of the section table.
_WIDE = "HHI3QI6H", "II6Q", "II4QIIQQ"
_NARROW = "HHI3II6H", "8I", "10I"
# No program has more: they limit time and memory on hostile input.
_MOST_HEADERS = 4096
_LONGEST_NAME = 255
_LONGEST_PATH = 4096


class Section(Struct, frozen=True):
    name: str
    offset: int
    size: int


class Elf(Struct, frozen=True):
    """`machine` as in GOARCH, "" for one that Go does not have; `interpreter` "" means static."""

    machine: str
    interpreter: str


class _Header(Struct, frozen=True):
    """Tables as offset, entry size, number of entries; `names`: which section contains all names."""

    wide: bool
    little: bool
    machine: int
    programs: tuple[int, int, int]
    sections: tuple[int, int, int]
    names: int


def read_elf(data: bytes) -> Elf | None:
    """Facts of an ELF file from its first `HEAD` bytes; None for anything else."""
    try:
        header = _header(data)
        return None if header is None else Elf(_goarch(header), _interpreter(data, header))
    except (struct.error, OverflowError):  # cut off in the middle of a header, or an offset beyond any file
        return None


def sections(data: bytes) -> tuple[Section, ...]:
    """The section table of a whole file; () if there is none or it is damaged."""
    try:
        header = _header(data)
        return () if header is None else _sections(data, header)
    except (struct.error, OverflowError):
        return ()


def _header(data: bytes) -> _Header | None:
    if data[:4] != b"\x7fELF" or len(data) < 52:
        return None
    wide, little = data[4] == 2, data[5] != 2
    layout = ("<" if little else ">") + (_WIDE if wide else _NARROW)[0]
    _, machine, _, _, phoff, shoff, _, _, *sizes, names = struct.unpack_from(layout, data, 16)
    phsize, phcount, shsize, shcount = sizes
    return _Header(wide, little, machine, (phoff, phsize, phcount), (shoff, shsize, shcount), names)


def _entries(data: bytes, header: _Header, kind: int) -> Iterator[tuple[int, ...]]:
    """Of the program headers (1) or the section table (2)."""
    layout = ("<" if header.little else ">") + (_WIDE if header.wide else _NARROW)[kind]
    offset, size, count = header.programs if kind == 1 else header.sections
    return (struct.unpack_from(layout, data, offset + i * size) for i in range(min(count, _MOST_HEADERS)))


def _goarch(header: _Header) -> str:
    name = _MACHINES.get(header.machine, "")
    if header.machine == _MIPS:
        return f"{name}{'64' if header.wide else ''}{'le' if header.little else ''}"
    return "ppc64le" if name == "ppc64" and header.little else name


def _interpreter(data: bytes, header: _Header) -> str:
    for entry in _entries(data, header, 1):
        if entry[0] == _PT_INTERP:
            start, size = (entry[2], entry[5]) if header.wide else (entry[1], entry[4])
            path = data[start : start + min(size, _LONGEST_PATH)].split(b"\0")[0]
            return path.decode(errors="replace") or "(unnamed)"
    return ""


def _sections(data: bytes, header: _Header) -> tuple[Section, ...]:
    offset, _, count = header.sections
    if not offset or header.names >= count or count > _MOST_HEADERS:
        return ()
    places = [(entry[0], entry[4], entry[5]) for entry in _entries(data, header, 2)]
    _, start, size = places[header.names]
    names = data[start : start + size]
    return tuple(Section(_name(names, at), offset, size) for at, offset, size in places)


def _name(table: bytes, at: int) -> str:
    return table[at : at + _LONGEST_NAME].split(b"\0")[0].decode(errors="replace")
