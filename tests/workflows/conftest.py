"""What every test of this folder runs under."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens to run on this machine's engine, under the name of a test's project, is nothing to a test that needs none."""
    if request.node.get_closest_marker("engine") is None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
