"""What `go list` printed about a program with go-sqlite3 and go-ethereum in it, recorded with cgo and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from devctl.domain.go.facts import Located
from devctl.domain.go.golist import (
    Listing,
    WithoutC,
    compare,
    embedded_files,
    parse,
    with_words,
    written_in_c,
)
from devctl.domain.image.readiness.input import Inspected
from devctl.domain.image.readiness.rules import cgo, embedded, reads_program
from devctl.domain.project.model import Service, SourceCode
from devctl.errors import Finding, ok, warn
from tests.domain.test_readiness import GOOD, SERVICE

SAMPLES = Path(__file__).parent / "samples"
WITH = parse((SAMPLES / "go_list_with_cgo.txt").read_text())
WITHOUT = parse((SAMPLES / "go_list_without_cgo.txt").read_text())
ETHEREUM, SQLITE = "github.com/ethereum/go-ethereum", "github.com/mattn/go-sqlite3"
STUB = f"/go/pkg/mod/{SQLITE}@v1.14.24/static_mock.go"
GREPPED = f"""\
{STUB}:6://go:build !cgo
{STUB}:7:// +build !cgo
{STUB}:17:var errorMsg = errors.New("Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub")
"""
CRYPTO = WithoutC(
    package=f"{ETHEREUM}/crypto",
    place="svc/store",
    folder=f"/go/pkg/mod/{ETHEREUM}@v1.14.12/crypto",
    left_out=("signature_cgo.go",),
    instead=("signature_nocgo.go",),
    c=f"{ETHEREUM}/crypto/secp256k1",
)


def found() -> tuple[WithoutC, ...]:
    return compare(WITH, WITHOUT, module_dir="svc")


def test_the_standard_library_never_counts() -> None:
    assert '"ImportPath": "net"' in (SAMPLES / "go_list_with_cgo.txt").read_text()
    assert written_in_c(WITH) == (f"{ETHEREUM}/crypto/secp256k1", SQLITE)


def test_what_is_built_from_other_files_for_want_of_c() -> None:
    crypto, sqlite = found()
    assert crypto == CRYPTO
    assert (sqlite.package, sqlite.c, sqlite.place, sqlite.instead) == (
        SQLITE,
        SQLITE,
        "svc/store",
        ("static_mock.go",),
    )
    assert "sqlite3.go" in sqlite.left_out


def test_other_files_without_any_c_behind_them_are_no_finding() -> None:
    with_cgo, without = (next(p for p in every if p.path == f"{ETHEREUM}/rlp") for every in (WITH, WITHOUT))
    assert with_cgo.files ^ without.files == {"safe.go", "unsafe.go"}
    assert f"{ETHEREUM}/rlp" not in [f.package for f in found()]


def test_the_same_answer_twice_is_not_a_finding() -> None:
    assert compare(WITHOUT, WITHOUT, module_dir=".") == ()
    assert compare((), (), module_dir=".") == ()


def test_a_stand_in_is_taken_at_its_word_and_a_build_line_is_none() -> None:
    crypto, sqlite = with_words(found(), GREPPED)
    assert crypto.says == ""
    assert sqlite.says == (
        "static_mock.go:17: Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub"
    )
    imports = f'{STUB}:3:import "example.com/cgo"\n{STUB}:4:// "needs cgo to work"\n'
    assert [f.says for f in with_words(found(), imports)] == ["", ""]


def test_embedded_files_are_those_of_the_mains_module() -> None:
    assert embedded_files(WITH, module_dir="svc") == ("svc/page.html", "svc/words.bin")


@pytest.mark.parametrize("text", ["go: no such tool", '{"ImportPath": "x"', "[]\n[]"])
def test_what_is_not_an_answer(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def judged(listed: Listing | None, built: str = "0", need: Located | None = None) -> Finding | None:
    return cgo(
        Inspected(
            GOOD,
            replace(SERVICE, source=replace(SERVICE.source, cgo=need)),
            settings={"CGO_ENABLED": built},
            listed=listed,
        )
    )


C_WANTED = "RUN CGO_ENABLED=1 go build … in a builder with a C compiler"


def test_a_stub_that_says_so_comes_first_and_is_quoted() -> None:
    listing = Listing(written_in_c(WITH), with_words(found(), GREPPED))
    assert judged(listing) == warn(
        f"{SQLITE} needs cgo, but the program was built with CGO_ENABLED=0: it fails when it uses that package "
        "(static_mock.go:17: Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub)"
        f"; also built without cgo: {ETHEREUM}/crypto",
        f"{C_WANTED}, or use a package that does not need C",
        "svc/store",
    )


def test_what_has_another_way_without_c_is_told_with_its_files() -> None:
    assert judged(Listing(("x",), (CRYPTO,))) == warn(
        f"{ETHEREUM}/crypto has {ETHEREUM}/crypto/secp256k1, which is written in C, as a dependency, but the program was built "
        "with CGO_ENABLED=0: signature_nocgo.go replaces signature_cgo.go, and may not do the same",
        f"test what uses it in the preview; to build with C: {C_WANTED}",
        "svc/store",
    )
    alone = replace(CRYPTO, instead=(), c=CRYPTO.package, left_out=("a.go", "b.go", "c.go", "d.go"))
    verdict = judged(Listing(("x",), (alone,)))
    assert verdict is not None and verdict.message == (
        f"{ETHEREUM}/crypto is partly written in C, but the program was built with CGO_ENABLED=0: "
        "a.go, b.go, c.go and 1 more left out"
    )


def test_with_cgo_or_with_nothing_in_c_all_is_well() -> None:
    assert judged(Listing(("corp.example/c",), None), "1") == ok(
        "corp.example/c needs cgo, and the program was built with it"
    )
    assert judged(Listing()) is None and judged(None) is None
    assert judged(Listing(("corp.example/c",), ())) is None  # reached with cgo alone


def test_without_an_answer_it_is_decided_by_what_was_read() -> None:
    known, own = Located(SQLITE, "store"), Located('import "C"', "store")
    for need, listing in ((known, None), (own, None), (known, Listing((SQLITE,), found()))):
        verdict = judged(listing, need=need)
        assert verdict is not None and verdict.message == (
            f"{need.value} needs cgo, but the program was built with CGO_ENABLED=0: it fails when it uses that package"
        )
    ours = replace(CRYPTO, package="example.com/app/store")
    verdict = judged(Listing((ours.package,), (ours,)), need=own)
    assert verdict is not None and "may not do the same" in verdict.message


def test_the_program_is_read_where_there_is_c() -> None:
    bare = replace(GOOD, files=GOOD.files)
    assert reads_program(bare, SERVICE, listed=Listing(("x",), ()))
    assert not reads_program(bare, SERVICE, listed=Listing())


def test_embedded_files_that_no_save_builds() -> None:
    listing = Listing(embedded=("page.html", "words.bin", "data/seed"))
    service = Service(name="api", source=SourceCode(embedded=("*.txt",)))
    known = Inspected(GOOD, service, listed=listing, rebuilt_by=frozenset({"go", "html"}))
    assert embedded(known) == warn(
        "embedded, but saving them in dev does not rebuild the program: words.bin, data/seed",
        "run devctl init and add their extensions to include_ext in .air.toml; until then, save a Go file too",
        "words.bin",
    )
    told = replace(
        known, service=replace(service, source=replace(service.source, embedded=("*.bin", "data/seed")))
    )
    assert embedded(told) == ok("3 embedded files; saving one rebuilds the program")
    assert embedded(replace(known, rebuilt_by=None)) is None
    assert embedded(replace(known, listed=Listing())) is None
