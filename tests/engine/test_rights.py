"""Code in the dev container rewrites the project's files, on the real engine: what it gets by that, and what it does not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli import docker, serves, until
from tests.engine.conftest import Started
from tests.engine.test_watch import UUID_MOD, UUID_SUM, Watched
from tests.helpers import save

pytestmark = pytest.mark.engine


@pytest.fixture
def watched(project: Callable[..., Started], monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setenv("SHELL_SECRET", "hunter2")
    return Watched(project())


def inside(watched: Watched, script: str, text: str = "") -> None:
    done = subprocess.run(
        ["docker", "exec", "-i", watched.container, "sh", "-c", script],
        input=text,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


def put(name: str) -> str:
    """A file is never seen half written, nor empty until its text has arrived."""
    return f"cat > .{name}.new && mv .{name}.new {name}"


def binds(container: str) -> list[str]:
    return list(inspected(container)["Binds"] or [])


def inspected(container: str) -> dict[str, Any]:
    return dict(json.loads(docker("inspect", container))[0]["HostConfig"])


def test_a_container_cannot_give_itself_rights_and_a_person_can(watched: Watched) -> None:
    before, compose = watched.container, (watched.root / "compose.yaml").read_text()
    hostile = compose.replace("    volumes:\n", "    privileged: true\n    volumes:\n      - /:/host\n", 1)
    inside(watched, put("compose.yaml"), hostile)
    watched.failed("full access to the machine: privileged (compose.yaml:")
    watched.failed("/:/host, writable")
    watched.settled(3)
    assert watched.container == before
    assert inspected(before)["Privileged"] is False
    assert len(watched.events("deps.failed")) == 1, "said once"
    assert "`devctl up` applies it" in watched.status()["serving"]["reason"]

    mounted = compose.replace(
        "    volumes:\n", "    volumes:\n      - /etc:/host:ro\n", 1
    )  # where nothing may be privileged
    inside(watched, put("compose.yaml"), mounted)
    watched.failed("/etc:/host, read-only")
    watched.project.devctl("up", "-d")
    assert any(bind.startswith("/etc:/host") for bind in binds(watched.container))
    assert watched.status()["serving"] == {"state": "current", "reason": None}
    inside(watched, put("compose.yaml"), compose)

    def taken_back() -> bool:
        try:
            return not any("/host" in bind for bind in binds(watched.container))
        except AssertionError:  # it is being replaced
            return False

    until(taken_back)


def test_a_variable_and_a_file_of_the_host_are_rights_too(watched: Watched) -> None:
    before, compose = watched.container, (watched.root / "compose.yaml").read_text()
    inside(
        watched,
        put("compose.yaml"),
        compose.replace("    environment:\n", "    environment:\n      LEAK: ${SHELL_SECRET}\n"),
    )
    watched.failed("SHELL_SECRET")
    inside(
        watched,
        put("compose.yaml"),
        compose.replace("    environment:\n", "    env_file: /etc/hostname\n    environment:\n"),
    )
    watched.failed("/etc/hostname")
    assert watched.container == before
    inside(
        watched,
        put("compose.yaml"),
        compose.replace("    environment:\n", "    environment:\n      PLAIN: word\n"),
    )
    until(lambda: watched.container not in ("", before))
    serves(watched.port, "Hello from Go")


def test_a_container_cannot_exchange_the_dockerfile_of_a_build(watched: Watched) -> None:
    """It tries all the time; what is built is what devctl judged, and nothing that was written for the builder stays."""
    before = watched.container
    (copy,) = watched.root.glob(".devctl/*/Dockerfile")
    evil = 'FROM scratch\nLABEL evil="1"\n'
    inside(watched, "cat > /tmp/evil", evil)
    loop = 'while :; do cat /tmp/evil > "$1"; done'
    docker("exec", "-d", before, "sh", "-c", loop, "sh", f"/app/.devctl/{copy.parent.name}/Dockerfile")
    until(lambda: copy.read_text() == evil)
    save(watched.root / "go.sum", UUID_SUM)
    save(watched.root / "go.mod", UUID_MOD)
    until(lambda: watched.container not in ("", before))
    serves(watched.port, "Hello from Go")
    assert "evil" not in docker("inspect", "--format", "{{json .Config.Labels}}", watched.container)
    assert not list(Path(os.environ["XDG_STATE_HOME"], "devctl/builds").glob("*/*"))


def test_a_label_of_a_changed_dockerfile_waits(watched: Watched) -> None:
    before, dockerfile = watched.container, watched.root / "Dockerfile"
    text = dockerfile.read_text()
    inside(
        watched,
        put("Dockerfile"),
        text.replace("FROM deps AS dev\n", "FROM deps AS dev\nLABEL traefik.enable=true\n"),
    )
    watched.failed("traefik.enable=true (a LABEL of its image)")
    assert watched.container == before
    inside(watched, put("Dockerfile"), text)
    until(lambda: watched.status()["serving"]["state"] == "current")
    watched.project.devctl("up", "-d")


def test_a_rollback_widens_no_right(watched: Watched) -> None:
    before = watched.container
    compose = (watched.root / "compose.yaml").read_text()
    inside(
        watched,
        put("compose.yaml"),
        compose.replace("    init: true", "    entrypoint: [sh, -c, exit 3]\n    init: true", 1),
    )
    until(lambda: bool(watched.events("deps.failed")))
    until(lambda: watched.container not in ("", before))
    serves(watched.port, "Hello from Go")
    assert inspected(watched.container)["Privileged"] is False
    assert not any("/host" in bind for bind in binds(watched.container))
    watched.project.devctl("restart")
    assert inspected(watched.container)["Privileged"] is False
