"""The log of a container's run, of which the engine has the first lines before it notes when the run has started."""

from __future__ import annotations

import uuid

import pytest

from devctl.adapters.docker.engine import EngineCli
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.plan.engine_state import COMPOSE_PROJECT_LABEL, COMPOSE_SERVICE_LABEL
from tests.engine.cli import docker, until

pytestmark = pytest.mark.engine


def test_its_first_line_is_there_and_none_of_the_run_before() -> None:
    """From `State.StartedAt` on, two first lines of three are missing."""
    project = f"dt{uuid.uuid4().hex[:8]}"
    engine, says = EngineCli(SystemProcesses()), "read -r up _ </proc/uptime; echo $up; exec sleep 600"
    labels = (f"{COMPOSE_PROJECT_LABEL}={project}", f"{COMPOSE_SERVICE_LABEL}=app")
    named = [word for label in labels for word in ("--label", label)]
    container = docker("create", *named, "alpine:3.22", "sh", "-c", says)
    try:
        for run in range(1, 9):
            docker("start", container)
            until(lambda run=run: len(docker("logs", container).split()) == run)  # type: ignore[misc]
            found = engine.containers(project).of("app")
            assert found is not None and found.state == "running" and bool(found.ended_before) == (run > 1)
            last = docker("logs", container).split()[-1]
            assert docker("logs", "--since", found.log_from, container).split() == [last]
            docker("kill", container)
    finally:
        docker("rm", "--force", container)
