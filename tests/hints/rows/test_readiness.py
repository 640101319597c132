"""Hints of the readiness checks: each is followed in the project's files, and the image that they make then is ready."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.system.host import SystemHost
from devctl.cli import wiring
from devctl.domain.image.readiness.rules import checks
from devctl.errors import Finding
from devctl.workflows.project.load import load
from tests.cli.scripted_docker import ScriptedDocker
from tests.fakes import FakeReporter, World
from tests.hints.follow import Fault
from tests.hints.rows.built import built
from tests.hints.rows.readiness_rows import ROWS


def found(root: Path) -> dict[str, Finding]:
    """What is not ready in the project's image, by check."""
    project = load(wiring.toolbox(FakeReporter(World())), root)
    return {c.id: c for c in checks(built(root, project, project.services[0])) if c.severity != "ok"}


@pytest.mark.parametrize("fault", ROWS)
def test_an_image_is_ready_where_its_hint_is_followed(
    fault: Fault, hinted: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
    docker = ScriptedDocker("answers", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
    root = fault.made(tmp_path)
    problem = found(root)[fault.code]
    hinted(problem.hint)
    fault.follow(root, {"hint": problem.hint, "place": problem.place})
    assert set(found(root)) == set(fault.leaves)
