"""What a Go program says of itself, also when stripped: its modules (build info) and the code size of each function.

The function table is the one that Go's own stack traces read (`.gopclntab`, layout of Go 1.18 and newer), so it is in
every binary. Sizes are machine code; a package's tables and data are not in them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from devctl.domain.image.elf import Section, sections

_LAYOUTS = (0xFFFFFFF0, 0xFFFFFFF1)  # Go 1.18, Go 1.20
_BUILD_INFO = b"\xff Go buildinf:"
_MOST_FUNCTIONS = 2_000_000
_LONGEST_NAME = 1 << 20


class Function(Struct, frozen=True):
    """`name` with its package path: `net/http.(*Client).Do`."""

    name: str
    size_bytes: int


class BuildInfo(Struct, frozen=True):
    """`modules`: path → version, the main module first (version "" or `(devel)`); `settings`: `CGO_ENABLED` → `0`."""

    go: str
    main: str
    modules: Mapping[str, str]
    settings: Mapping[str, str]


class Package(Struct, frozen=True):
    """The machine code of one Go package; `module` is `std` for the standard library."""

    name: str
    module: str
    version: str
    size_bytes: int

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "module": self.module,
            "version": self.version or None,
            "size_bytes": self.size_bytes,
        }


def functions(data: bytes) -> tuple[Function, ...]:
    """Every function of a Go program with its size; () where the file is no Go program or its table is not understood."""
    try:
        for table in _named(data, ".gopclntab", ".data.rel.ro.gopclntab"):
            return tuple(_functions(data[table.offset : table.offset + table.size]))
    except (struct.error, ValueError, IndexError, OverflowError):
        pass
    return ()


def build_info(data: bytes) -> BuildInfo | None:
    """What `go version -m` prints; None where there is nothing (Go before 1.18, or no Go program)."""
    for section in _named(data, ".go.buildinfo"):
        content = data[section.offset : section.offset + section.size]
        if content[:14] != _BUILD_INFO or len(content) < 33 or not content[15] & 2:
            return None
        version, rest = _string(content[32:])
        text, _ = _string(rest)
        # 16 bytes of sentinel on each side, so that the text can be found in a core dump.
        return _parse_info(version.decode(errors="replace"), text[16:-16].decode(errors="replace"))
    return None


def packages(found: Iterable[Function], info: BuildInfo | None) -> tuple[Package, ...]:
    """Code size by package, the biggest first."""
    sizes: dict[str, int] = {}
    for function in found:
        name = package_of(function.name)
        sizes[name] = sizes.get(name, 0) + function.size_bytes
    modules = dict(info.modules) if info is not None else {}
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Package(name, *_module(name, modules, info), size) for name, size in ordered)


def package_of(function: str) -> str:
    """`net/http.(*Client).Do` → `net/http`; generic arguments and closures belong to the function around them."""
    plain = function.partition("[")[0]
    head, slash, last = plain.rpartition("/")
    if plain.startswith(("type:", "go:")):
        return "runtime"  # equality and hash functions that the compiler made
    package, dot, _ = last.partition(".")
    name = head + slash + package
    # Dots in the last element are escaped, since the first dot ends the package.
    return re.sub(r"%([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), name) if dot else "runtime"


def _module(package: str, modules: Mapping[str, str], info: BuildInfo | None) -> tuple[str, str]:
    if package == "main" and info is not None:
        return info.main, modules.get(info.main, "")
    owners = [m for m in modules if package == m or package.startswith(f"{m}/")]
    if owners:
        owner = max(owners, key=len)
        return owner, modules[owner]
    return "std", info.go if info is not None else ""


def _named(data: bytes, *names: str) -> Iterator[Section]:
    return (s for s in sections(data) if s.name in names)


def _functions(table: bytes) -> Iterator[Function]:
    order = "<" if struct.unpack_from("<I", table)[0] in _LAYOUTS else ">"
    if struct.unpack_from(order + "I", table)[0] not in _LAYOUTS:
        return
    wide = table[7] == 8
    word, size = ("Q", 8) if wide else ("I", 4)
    values = struct.unpack_from(f"{order}8{word}", table, 8)
    count, names_at, funcs_at = values[0], values[3], values[7]
    if not 8 + 8 * size <= funcs_at <= len(table) or count > min(_MOST_FUNCTIONS, len(table) // 8):
        return
    entries = struct.unpack_from(f"{order}{2 * count + 1}I", table, funcs_at)
    left = len(table)
    for index in range(count):
        entry, where, after = entries[2 * index : 2 * index + 3]
        (name_offset,) = struct.unpack_from(order + "i", table, funcs_at + where + 4)
        start = names_at + name_offset
        if name_offset < 0:
            continue
        end = table.index(b"\0", start, start + _LONGEST_NAME)
        left -= end - start
        if left < 0:
            raise ValueError("names that are larger than the table: they overlap")
        if end > start:
            yield Function(table[start:end].decode(errors="replace"), max(after - entry, 0))


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A string with its length as varint before it, and what follows."""
    length = shift = at = 0
    while at < min(len(data), 5):
        byte = data[at]
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not byte & 0x80:
            break
    return data[at : at + length], data[at + length :]


def _parse_info(version: str, text: str) -> BuildInfo:
    main, modules, settings, last = "", {}, {}, ""
    for line in text.splitlines():
        key, *values = line.split("\t")
        if key == "mod" and values:
            main = values[0]
        if key in ("mod", "dep") and len(values) > 1:
            last = values[0]
            modules[last] = values[1]
        elif key == "=>" and len(values) > 1 and last:
            modules[last] = values[1] or values[0]  # a replaced module: what was really built in
        elif key == "build" and values:
            name, _, value = values[0].partition("=")
            settings[name] = value
    return BuildInfo(version, main, modules, settings)
