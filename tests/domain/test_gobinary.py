import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.image.go_binary import BuildInfo, Function, build_info, functions, package_of, packages

SENTINEL = bytes(range(16))


def elf_with(named: dict[str, bytes]) -> bytes:
    """A 64-bit ELF file with these sections and a table of their names."""
    named = {"": b"", **named, ".shstrtab": b""}
    names = b"".join(name.encode() + b"\0" for name in named)
    named[".shstrtab"] = names
    body, table, at = b"", b"", 64
    for name, content in named.items():
        where = names.index(name.encode() + b"\0") if name else 0
        table += struct.pack("<II4QIIQQ", where, 1, 0, 0, at + len(body), len(content), 0, 0, 1, 0)
        body += content
    header = struct.pack(
        "<HHIQQQI6H", 2, 62, 1, 0, 0, at + len(body), 0, 64, 0, 0, 64, len(named), len(named) - 1
    )
    return b"\x7fELF\x02\x01\x01" + bytes(9) + header + body + table


def pclntab(sizes: dict[str, int], *, magic: int = 0xFFFFFFF1) -> bytes:
    """Go's function table with these functions, one after the other (layout: runtime/symtab.go, pcHeader)."""
    names = b"".join(name.encode() + b"\0" for name in sizes)
    head = 8 + 8 * 8
    functab, infos, entry = b"", b"", 0
    table_size = 8 * len(sizes) + 4
    offset = 0
    for name, size in sizes.items():
        functab += struct.pack("<II", entry, table_size + len(infos))
        infos += struct.pack("<Ii", entry, offset)
        entry, offset = entry + size, offset + len(name.encode()) + 1
    functab += struct.pack("<I", entry)
    header = struct.pack("<IHBB8Q", magic, 0, 1, 8, len(sizes), 1, 0x1000, head, 0, 0, 0, head + len(names))
    return header + names + functab + infos


def buildinfo(version: str, text: str) -> bytes:
    def varint(data: bytes) -> bytes:
        length, out = len(data), b""
        while length > 0x7F:
            out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
        return out + bytes([length]) + data

    return (
        b"\xff Go buildinf:"
        + bytes([8, 2])
        + bytes(16)
        + varint(version.encode())
        + varint(SENTINEL + text.encode() + SENTINEL)
    )


INFO = (
    "path\texample.com/shop/cmd/api\nmod\texample.com/shop\t(devel)\t\n"
    "dep\tgithub.com/gin-gonic/gin\tv1.10.0\th1:abc=\n"
    "dep\tgopkg.in/yaml.v3\tv3.0.1\n=>\texample.com/fork/yaml\tv3.0.9\th1:x=\n"
    "build\tCGO_ENABLED=0\nbuild\t-tags=a=b\n"
)


@pytest.mark.parametrize("magic", [0xFFFFFFF0, 0xFFFFFFF1])
def test_functions_with_their_sizes(magic: int) -> None:
    data = elf_with({".gopclntab": pclntab({"main.main": 96, "net/http.(*Client).Do": 4096}, magic=magic)})
    assert functions(data) == (Function("main.main", 96), Function("net/http.(*Client).Do", 4096))


def test_a_table_of_an_older_go_is_not_guessed_at() -> None:
    assert functions(elf_with({".gopclntab": pclntab({"main.main": 1}, magic=0xFFFFFFFA)})) == ()


def test_build_info() -> None:
    found = build_info(elf_with({".go.buildinfo": buildinfo("go1.26.8", INFO)}))
    assert found == BuildInfo(
        go="go1.26.8",
        main="example.com/shop",
        modules={
            "example.com/shop": "(devel)",
            "github.com/gin-gonic/gin": "v1.10.0",
            "gopkg.in/yaml.v3": "v3.0.9",
        },
        settings={"CGO_ENABLED": "0", "-tags": "a=b"},
    )


@pytest.mark.parametrize(
    ("function", "package"),
    [
        ("main.main", "main"),
        ("net/http.(*Client).Do", "net/http"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3"),
        ("slices.SortFunc[go.shape.[]example.com/x/y.T,go.shape.int]", "slices"),
        ("github.com/a/b.(*T[go.shape.struct { x/y.z }]).M.func1", "github.com/a/b"),
        ("type:.eq.net/http.Request", "runtime"),
        ("gogo", "runtime"),
    ],
)
def test_the_package_of_a_function(function: str, package: str) -> None:
    assert package_of(function) == package


def test_packages_by_size_with_their_module() -> None:
    info = build_info(elf_with({".go.buildinfo": buildinfo("go1.26.8", INFO)}))
    sizes = {"main.main": 5, "github.com/gin-gonic/gin/render.JSON": 30, "fmt.Println": 7, "fmt.Print": 4}
    found = packages(functions(elf_with({".gopclntab": pclntab(sizes)})), info)
    assert [(p.name, p.module, p.version, p.size_bytes) for p in found] == [
        ("github.com/gin-gonic/gin/render", "github.com/gin-gonic/gin", "v1.10.0", 30),
        ("fmt", "std", "go1.26.8", 11),
        ("main", "example.com/shop", "(devel)", 5),
    ]


def test_names_that_overlap_take_no_memory() -> None:
    """Each function of a hostile table may name the rest of it."""
    table = bytearray(pclntab({f"main.f{n:03}": 1 for n in range(300)}))
    assert len(functions(elf_with({".gopclntab": bytes(table)}))) == 300
    for at in range(table.index(b"main."), table.index(b"main.f299")):
        table[at] = table[at] or 0x41
    assert functions(elf_with({".gopclntab": bytes(table)})) == ()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.[A-Z][a-z]{0,8}", fullmatch=True), st.integers(0, 9999)
    )
)
def test_no_byte_of_code_is_lost(sizes: dict[str, int]) -> None:
    found = functions(elf_with({".gopclntab": pclntab(sizes)}))
    assert {f.name: f.size_bytes for f in found} == sizes
    assert sum(p.size_bytes for p in packages(found, None)) == sum(sizes.values())


@given(st.binary(max_size=300), st.integers(0, 300))
def test_damage_never_crashes(noise: bytes, at: int) -> None:
    good = pclntab({"main.main": 96, "net/http.(*Client).Do": 4096})
    for table in (noise, good[:8] + noise, good[:at] + noise):
        functions(elf_with({".gopclntab": table}))
        build_info(elf_with({".go.buildinfo": b"\xff Go buildinf:" + table, ".gopclntab": b""}))
        build_info(elf_with({".go.buildinfo": buildinfo("go1", INFO)[:at] + noise}))
