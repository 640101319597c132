"""Which Go toolchain a stand-in of golang may be made of."""

from __future__ import annotations

import pytest

from devctl.adapters.stand_ins.fetch import _fits


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("1.24.5", "1.24", True),
        ("1.24.5", "1.24.3", True),
        ("1.24.5", "1", True),
        ("1.24.5", "", True),
        ("1.24.5", "1.24.6", False),
        ("1.26.1", "1.19", False),
        ("1.26.1", "1.25.9", False),
    ],
)
def test_only_the_minor_that_is_asked_for(version: str, wanted: str, fits: bool) -> None:
    assert _fits(version, wanted) is fits
