"""The small projects of this folder: each is a directory, copied for a test and run as a stranger would run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import Started, _needs_engine, _nothing_is_left, answering_engine, project

__all__ = ["_needs_engine", "_nothing_is_left", "answering_engine", "project"]

HERE = Path(__file__).parent


def files_of(name: str) -> dict[str, str]:
    """Path to text. HOST_PORT in a text is replaced with a free port."""
    root = HERE / name
    found = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def case(project: Callable[..., Started]) -> Callable[[str], Started]:
    """A copy of one of the projects; everything of it is gone when the test is over."""
    return lambda name: project(files=files_of(name))
