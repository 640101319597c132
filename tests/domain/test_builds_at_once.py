"""How many images are built at a time."""

from __future__ import annotations

import pytest

from devctl.domain.plan.builds_at_once import builds_at_once


@pytest.mark.parametrize(
    ("cores", "memory", "wanted"),
    [(2, 25_000_000_000, 2), (8, 8_300_000_000, 4), (8, 1_000_000_000, 1), (1, 16_000_000_000, 1), (0, 0, 1)],
)
def test_cores_and_memory_bound_it(cores: int, memory: int, wanted: int) -> None:
    assert builds_at_once(cores, memory) == wanted
