"""What is written instead of a number, in files that containers write and in the output of tools, is neither a number nor a
crash."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.bases.references import stand_in
from devctl.domain.failures.dev_log import DevLog
from devctl.domain.failures.listeners import listeners
from devctl.domain.go.semver import version_key
from devctl.domain.go.versions import air_problem, minor, refuses
from devctl.domain.numbers import parse_size, version, whole
from devctl.domain.plan.run import target_of
from tests.helpers import syntax_nodes

ROOT = Path(__file__).parents[2] / "devctl"
ODD = ("", "²", "٣", "½", "-1", "+1", "1_000", " 1", "1\n", "1.0", "1e9", "0x1", "9" * 5000, "9" * 19, "１")
"""Of these `"²".isdigit()` holds, `"٣".isdecimal()` does, and `int` takes `1_000`, ` 1` and `+1`."""


@pytest.mark.parametrize("text", ODD)
def test_what_is_not_a_plain_number(text: str) -> None:
    assert whole(text) is None


@given(st.integers(0, 10**18 - 1))
def test_a_number_is_itself(number: int) -> None:
    assert whole(str(number)) == number


def size_of(text: str) -> None:
    try:
        parse_size(f"{text}MB")
    except ValueError as error:
        assert "is not a size" in str(error)


READERS: dict[str, Callable[[str], object]] = {
    "go line": lambda text: (
        minor(f"1.{text}"),
        minor(f"{text}.{text}"),
        refuses("1.24", f"1.{text}.{text}"),
    ),
    "module version": lambda text: version_key(f"v{text}.{text}.{text}-{text}.{text}"),
    "air": lambda text: air_problem(f"github.com/air-verse/air@v{text}.{text}.{text}", "1.24"),
    "tool version": lambda text: version(f"v{text}.{text}"),
    "budget": size_of,
    "stage": target_of,
    "tag": lambda text: stand_in(f"golang:{text}") if text.isalnum() else None,
    "port": lambda text: listeners(f"0: 0100007F:{text} 00000000:0000 0A\n1: {text}:{text} x 0A"),
    "exit code": lambda text: (
        int(mark.message) if (mark := DevLog().read(f"Process Exit with Code: {text}")) is not None else None
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", [*ODD, "1", "7", "zz"])
def test_every_reader_of_a_number_is_total(reader: str, text: str) -> None:
    READERS[reader](text)


def test_nothing_else_judges_digits() -> None:
    """`isdigit` and `isdecimal` let through what `int` refuses, or means otherwise."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in syntax_nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in ("isdigit", "isdecimal", "isnumeric")
    ]
    assert found == []
