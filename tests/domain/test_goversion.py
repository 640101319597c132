from __future__ import annotations

import pytest

from devctl.domain.go.gomod import parse_mod
from devctl.domain.go.versions import air_for, air_problem, minor, needed, refuses


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("go 1.26", "1.26"),
        ("go 1.25.4", "1.25"),
        ("go 1.24\ntoolchain go1.26.1", "1.26"),
        ("go 1.26\ntoolchain go1.25.1", "1.26"),
        ("go 1.9", "1.9"),
        ("go 1.26\ntoolchain default", "1.26"),
        ("go 1.25\ntoolchain go1.99.1", "1.25"),
        ("go 1.99\ntoolchain go1.99.1", "1.99"),
        ("", "1.26"),
    ],
)
def test_the_go_a_module_needs(lines: str, wanted: str) -> None:
    assert needed(parse_mod(f"module x\n{lines}\n")) == wanted


@pytest.mark.parametrize(
    ("go", "install"),
    [
        ("1.28", "github.com/air-verse/air@v1.67.2"),
        ("1.26.3", "github.com/air-verse/air@v1.67.2"),
        ("1.25", "github.com/air-verse/air@v1.67.1"),
        ("1.24", "github.com/air-verse/air@v1.62.0"),
        ("1.23", "github.com/air-verse/air@v1.61.7"),
        ("1.22", "github.com/air-verse/air@v1.52.3"),
        ("1.21", "github.com/cosmtrek/air@v1.49.0"),
        ("1.18", "github.com/cosmtrek/air@v1.40.4"),
    ],
)
def test_air_by_go_and_that_air_works_there(go: str, install: str) -> None:
    assert air_for(go).install == install
    assert air_problem(install, go) is None


@pytest.mark.parametrize(
    ("install", "go", "fails"),
    [
        ("github.com/cosmtrek/air@latest", "1.26", True),
        ("github.com/cosmtrek/air@v1.52.3", "1.26", True),
        ("github.com/cosmtrek/air@v1.61.2", "1.21", False),
        ("github.com/air-verse/air@latest", "1.25-alpine", True),
        ("github.com/air-verse/air@latest", "1.26-alpine", False),
        ("github.com/air-verse/air@v1.62.0", "1.23", True),
        ("github.com/air-verse/air@v1.60.0", "1.23", False),
        ("github.com/air-verse/air@v1.62.0", None, False),
        ("github.com/air-verse/air@master", "1.20", False),
    ],
)
def test_an_air_that_cannot_be_installed(install: str, go: str | None, *, fails: bool) -> None:
    assert (air_problem(install, go) is not None) is fails


@pytest.mark.parametrize(
    ("tag", "go", "no"),
    [
        ("1.24-alpine", "1.26", True),
        ("1.26-alpine", "1.26", False),
        ("1.19-alpine", "1.26", False),
        ("1.19-alpine", "1.26.1", True),
        ("latest", "1.26", False),
        ("1.24", "", False),
    ],
)
def test_which_toolchain_refuses_a_go_line(tag: str, go: str, *, no: bool) -> None:
    assert refuses(tag, go) is no


def test_minor_reads_tags_and_toolchains() -> None:
    assert [minor(t) for t in ("go1.26.1", "1.26rc1", "1.9-alpine", "alpine")] == [
        (1, 26),
        (1, 26),
        (1, 9),
        None,
    ]
