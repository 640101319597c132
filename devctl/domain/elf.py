"""ELF headers as facts: is a program static, and for which machine. Bytes in, facts out; nothing is run."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
_PT_INTERP = 3
_LITTLE = {8: "mipsle", 21: "ppc64le"}
_MACHINES = {
    3: "386",
    8: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "amd64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}
_MOST_HEADERS = 4096
"""More program headers or sections than this is no program but damage; it bounds the work on hostile input."""


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Elf:
    """`machine` in Go's words (GOARCH), "" for one that Go does not know; `interpreter` "" means static."""

    machine: str
    interpreter: str
    little: bool


@dataclass(frozen=True, slots=True)
class _Header:
    order: str
    wide: bool
    machine: int
    programs: tuple[int, int, int]
    sections: tuple[int, int, int]
    names: int


def read_elf(data: bytes) -> Elf | None:
    """Facts of an ELF file from its head (the first 64 KiB are plenty); None for anything else."""
    try:
        header = _header(data)
        return None if header is None else _elf(data, header)
    except (struct.error, OverflowError):  # cut off in the middle of a header, or an offset beyond any file
        return None


def sections(data: bytes) -> tuple[Section, ...]:
    """The section table of a whole file; () where there is none or it is damaged."""
    try:
        header = _header(data)
        return () if header is None else _sections(data, header)
    except (struct.error, OverflowError):
        return ()


def _header(data: bytes) -> _Header | None:
    if data[:4] != MAGIC or len(data) < 52:
        return None
    order = ">" if data[5] == 2 else "<"
    wide = data[4] == 2
    (machine,) = struct.unpack_from(order + "H", data, 18)
    phoff, shoff = struct.unpack_from(order + ("QQ" if wide else "II"), data, 32 if wide else 28)
    sizes = struct.unpack_from(order + "5H", data, 54 if wide else 42)
    phsize, phcount, shsize, shcount, names = sizes
    return _Header(order, wide, machine, (phoff, phsize, phcount), (shoff, shsize, shcount), names)


def _elf(data: bytes, header: _Header) -> Elf:
    little = header.order == "<"
    machine = (_LITTLE.get(header.machine, "") if little else "") or _MACHINES.get(header.machine, "")
    if header.machine == 8 and header.wide:
        machine = machine.replace("mips", "mips64")
    return Elf(machine, _interpreter(data, header), little)


def _interpreter(data: bytes, header: _Header) -> str:
    offset, size, count = header.programs
    for index in range(min(count, _MOST_HEADERS)):
        at = offset + index * size
        (kind,) = struct.unpack_from(header.order + "I", data, at)
        if kind != _PT_INTERP:
            continue
        if header.wide:
            start, length = struct.unpack_from(header.order + "Q16xQ", data, at + 8)
        else:
            start, length = struct.unpack_from(header.order + "I8xI", data, at + 4)
        path = data[start : start + min(length, 4096)].split(b"\0")[0].decode(errors="replace")
        return path or "(unnamed)"
    return ""


def _sections(data: bytes, header: _Header) -> tuple[Section, ...]:
    offset, size, count = header.sections
    if not offset or header.names >= count or count > _MOST_HEADERS:
        return ()
    names = _place(data, header, offset + header.names * size)
    table = data[names[1] : names[1] + names[2]]
    found = []
    for index in range(count):
        name, start, length = _place(data, header, offset + index * size)
        text = table[name : table.find(b"\0", name)] if name < len(table) else b""
        found.append(Section(text.decode(errors="replace"), start, length))
    return tuple(found)


def _place(data: bytes, header: _Header, at: int) -> tuple[int, int, int]:
    """Offset of the name, offset of the content, size."""
    if header.wide:
        name, start, length = struct.unpack_from(header.order + "I20xQQ", data, at)
    else:
        name, start, length = struct.unpack_from(header.order + "I12xII", data, at)
    return name, start, length
