import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devctl.domain.image.elf import Elf, read_elf, sections

MACHINES = [
    (62, "<", True, "amd64"),
    (183, "<", True, "arm64"),
    (40, "<", False, "arm"),
    (3, "<", False, "386"),
    (243, "<", True, "riscv64"),
    (258, "<", True, "loong64"),
    (21, "<", True, "ppc64le"),
    (21, ">", True, "ppc64"),
    (22, ">", True, "s390x"),
    (8, ">", False, "mips"),
    (8, "<", False, "mipsle"),
    (8, "<", True, "mips64le"),
    (0x1234, "<", True, ""),
]


def program(machine: int = 62, *, order: str = "<", wide: bool = True, interpreter: str = "") -> bytes:
    """An ELF file of headers alone, written from the specification: file header, one load segment, PT_INTERP if named."""
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    head, entry = (64, 56) if wide else (52, 32)
    kinds = [1, *([3] if interpreter else [])]
    path = interpreter.encode() + b"\0"
    at = head + entry * len(kinds)
    word = "Q" if wide else "I"
    header = struct.pack(
        f"{order}HHI3{word}I6H", 2, machine, 1, 0, head, 0, 0, head, entry, len(kinds), 0, 0, 0
    )
    if wide:
        table = b"".join(struct.pack(order + "II6Q", k, 4, at, 0, 0, len(path), len(path), 1) for k in kinds)
    else:
        table = b"".join(struct.pack(order + "8I", k, at, 0, 0, len(path), len(path), 4, 1) for k in kinds)
    return ident + header + table + path


@pytest.mark.parametrize(("machine", "order", "wide", "goarch"), MACHINES)
def test_the_machine_in_words_of_go(machine: int, order: str, wide: bool, goarch: str) -> None:
    found = read_elf(program(machine, order=order, wide=wide))
    assert found == Elf(goarch, "")


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_an_interpreter_means_dynamic(order: str, wide: bool) -> None:
    found = read_elf(program(order=order, wide=wide, interpreter="/lib/ld-musl-x86_64.so.1"))
    assert found is not None
    assert found.interpreter == "/lib/ld-musl-x86_64.so.1"


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\nexec /server\n", b"MZ" + bytes(200)])
def test_what_is_not_elf(data: bytes) -> None:
    assert read_elf(data) is None


def test_a_header_cut_off_says_nothing() -> None:
    whole = program(interpreter="/lib64/ld-linux-x86-64.so.2")
    assert all(read_elf(whole[:length]) is None for length in range(120))


@given(st.binary(max_size=400))
def test_damage_never_crashes(noise: bytes) -> None:
    for data in (noise, b"\x7fELF" + noise, program()[:20] + noise, program() + noise):
        read_elf(data)
        sections(data)


@given(st.integers(0, 170), st.integers(0, 255))
@example(39, 128)  # an offset beyond what the machine can address
def test_one_wrong_byte_never_crashes(at: int, value: int) -> None:
    data = bytearray(program(interpreter="/lib64/ld-linux-x86-64.so.2"))
    data[min(at, len(data) - 1)] = value
    read_elf(bytes(data))
    assert isinstance(sections(bytes(data)), tuple)


def test_names_without_an_end_take_no_memory() -> None:
    """A section table of a few KiB must not name megabytes a thousand times."""
    count, names = 1000, b"A" * 1_000_000
    entry = struct.pack("<II4QIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    header = struct.pack("<HHIQQQI6H", 2, 62, 1, 0, 0, 64 + len(names), 0, 64, 0, 0, 64, count, 0)
    found = sections(b"\x7fELF\x02\x01\x01" + bytes(9) + header + names + entry * count)
    assert len(found) == count
    assert sum(len(section.name) for section in found) < len(names)
