from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.numbers import parse_size
from devctl.domain.project.config import Config, documented, stated

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "config.md"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("12MB", 12_000_000), ("10MiB", 10 * 2**20), ("12M", 12_000_000), ("1000", 1000), ("5B", 5)),
        *(("1.5 GB", 1_500_000_000), ("3kB", 3000), ("2KiB", 2048), ("1TB", 10**12), (" 7MB ", 7_000_000)),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1iB", "12 bananas", "1e3", "1MBB"])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 12MB or 10MiB"):
        parse_size(text)


@given(st.integers(0, 10**6), st.sampled_from(["", "K", "M", "G"]))
def test_a_binary_unit_is_never_smaller(number: int, unit: str) -> None:
    plain, binary = parse_size(f"{number}{unit}B"), parse_size(f"{number}{unit}{'iB' if unit else 'B'}")
    assert plain <= binary


def test_the_reference_page_says_what_is_declared() -> None:
    """Each row of a table is a key of devctl/domain/project/config.py, to the letter: the difference shows the row to write."""
    declared = {f"| `{key}` | {doc.value} | {doc.default} |" for key, doc in documented()}
    assert set(re.findall(r"^\| `.*\|$", PAGE.read_text(), re.MULTILINE)) == declared


def test_every_key_is_documented() -> None:
    keys = {re.sub(r"\.NAME\..*", "", key) for key, _ in documented()}
    assert keys == {key for key, _ in stated(Config())}
