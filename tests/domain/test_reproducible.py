"""Why two builds of one source are not the same program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.size.reproducible import Reason, Twice, compare_builds
from tests.domain.test_gobinary import buildinfo, elf_with


def program(text: bytes, *settings: str, go: str = "go1.26.8") -> bytes:
    lines = "\n".join(["path\tx", "mod\tx\t(devel)\t", *(f"build\t{s}" for s in settings), ""])
    return elf_with({".rodata": text, ".go.buildinfo": buildinfo(go, lines)})


def dockerfile(run: str) -> DockerfileFacts:
    line = Instruction("RUN", (run,), (), json=False, line=7, original=f"RUN {run}")
    return DockerfileFacts("Dockerfile", (Stage("b", "golang:1.26", 0, 1, (line,)),), {})


def twice(one: bytes, other: bytes, run: str = "go build .") -> Twice:
    return compare_builds("api", "scratch", "/server", one=one, other=other, dockerfile=dockerfile(run))


TRIMMED = "-trimpath=true"


def test_the_same_program() -> None:
    found = twice(program(b"x", TRIMMED), program(b"x", TRIMMED))
    assert found.same and found.reasons == () and found.remarks == ()
    assert found.text == [f"api: two builds, identical binaries (sha256 {found.sha256[:16]}…)"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ((), "without -trimpath"),
        ((TRIMMED, "vcs.modified=true"), "uncommitted changes"),
        ((TRIMMED, "CGO_ENABLED=1"), "C compiler"),
    ],
)
def test_on_what_an_equal_hash_rests(settings: tuple[str, ...], says: str) -> None:
    found = twice(program(b"x", *settings), program(b"x", *settings))
    assert found.same and len(found.remarks) == 1 and says in found.remarks[0]


def test_a_date_that_is_the_same_today_is_a_remark() -> None:
    built = program(b"x", TRIMMED)
    found = twice(built, built, 'go build -ldflags "-X main.d=$(date +%F)" .')
    assert found.remarks == (
        "Dockerfile:7: the build embeds the output of $(date +%F): it will differ tomorrow",
    )


def test_the_texts_that_differ_are_shown() -> None:
    one, other = program(b"\0\0built 12:00:01\0z", TRIMMED), program(b"\0\0built 12:00:07\0z", TRIMMED)
    found = twice(one, other)
    assert found.reasons == (Reason("text in the program: 'built 12:00:01' and 'built 12:00:07'"),)
    assert found.text[1] == "  text in the program: 'built 12:00:01' and 'built 12:00:07'"


@pytest.mark.parametrize("run", ['go build -ldflags "-X m.d=`date`"', "echo $(hostname) > id && go build"])
def test_the_line_that_stamps_comes_first(run: str) -> None:
    found = twice(program(b"a"), program(b"b"), run)
    assert found.reasons[0].place == "Dockerfile:7"


def test_settings_and_the_compiler() -> None:
    found = twice(program(b"x", "vcs.revision=1"), program(b"x", go="go1.26.9"))
    assert [r.what for r in found.reasons] == [
        "built by go1.26.8 and by go1.26.9",
        "build setting vcs.revision: 1 and absent",
    ]


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_two_files_give_an_answer(one: bytes, other: bytes) -> None:
    found = twice(one, other)
    assert found.same == (one == other) and bool(found.reasons) != found.same
