"""Repositories of many shapes: dev serves, then the preview of production, with no question asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import serves
from tests.engine.conftest import Started
from tests.engine.shapes import SHAPES

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_served_in_both_modes(project: Callable[..., Started], shape: str) -> None:
    started = project(files=SHAPES[shape])
    assert started.devctl("up", "-d").result["mode"] == "dev"
    serves(started.port, "hello")
    assert started.devctl("prod-preview").result["mode"] == "prod"
    serves(started.port, "hello")
