"""Leftovers of other work in the engine, on the real one: a recreate that was killed, a cache that belongs to root."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from devctl.domain.plan.engine_state import CACHE_LABEL
from tests.engine.cli import DEVCTL, docker, serves, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]


def containers(shop: Started) -> list[str]:
    """Their names, the running and the stopped."""
    label = f"label=com.docker.compose.project={shop.name}"
    return docker("ps", "--all", "--filter", label, "--format", "{{.Names}}").split()


@pytest.mark.fixes(
    "the container's name is taken by a leftover of an aborted recreate",
    by="`up`",
    code="container-name-taken",
)
def test_what_an_aborted_recreate_left_is_cleared_away(project: MakeProject) -> None:
    """compose is killed between the two containers: its next recreate finds the name taken, and ends there."""
    shop = project()
    compose = shop.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("  app:\n", "  app:\n    stop_grace_period: 1s\n", 1))
    shop.devctl("up", "-d", "--no-watch", "--timeout", "300")
    (name,) = containers(shop)
    docker("kill", "--signal", "STOP", name)  # so that it does not end before compose is killed
    recreate = ["docker", "compose", "--project-name", shop.name, "--file", shop.model(), "up"]
    recreate += ["--detach", "--force-recreate", "--no-build", "--timeout", "300", "app"]
    with subprocess.Popen(recreate, cwd=shop.root, stderr=subprocess.DEVNULL, process_group=0) as aborted:
        until(lambda: len(containers(shop)) == 2)
        os.killpg(aborted.pid, signal.SIGKILL)
    (left,) = (other for other in containers(shop) if other != name)
    assert left.endswith(f"_{name}")

    shop.write({"devctl.yaml": "services: {app: {env: {GREETING: hello}}}\n"})
    up = [*DEVCTL, "-v", "up", "-d", "--no-watch", "--timeout", "300"]
    said = subprocess.run(up, cwd=shop.root, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "the container of app could not be restarted and was recreated" in said.stderr
    assert containers(shop) == [name], "under its own name, and nothing beside it"
    serves(shop.port, "Hello from Go", within=120)


OWNER = 31999
"""Of this project alone: its build cache belongs to this test."""


@pytest.fixture
def cache() -> Iterator[str]:
    volume = f"devctl-go1.26-{OWNER}"
    docker("volume", "create", "--label", f"{CACHE_LABEL}=go-build", volume)
    try:
        yield volume
    finally:
        subprocess.run(["docker", "volume", "rm", volume], capture_output=True)


@pytest.mark.fixes(
    "the build cache belongs to root", by="`onboard`, `doctor --fix`", code="cache-not-writable"
)
def test_a_build_cache_of_roots_is_given_to_the_owner(cache: str, project: MakeProject) -> None:
    idle = 'package main\n\nimport "time"\n\nfunc main() { time.Sleep(time.Hour) }\n'
    shop = project({"go.mod": "module example.com/idle\n\ngo 1.26\n", "main.go": idle})
    for path in (shop.root, *shop.root.rglob("*")):
        os.chown(path, OWNER, OWNER)

    def roots() -> None:
        mount = ["--rm", "--volume", f"{cache}:/cache", "golang:1.26-alpine", "sh", "-c"]
        docker("run", *mount, "mkdir -p /cache/go-build && chown -R 0:0 /cache && chmod 0755 /cache/go-build")

    roots()
    said = f"changed the owner of the build cache {cache} to {OWNER}:{OWNER}"
    denied = next(c for c in shop.devctl("doctor", code=4).result["checks"] if c["id"] == "cache")
    assert denied["what"] == f"the project's owner cannot write to /cache/go-build in the build cache {cache}"
    fixed = next(c for c in shop.devctl("doctor", "--fix").result["checks"] if c["id"] == "cache")
    assert (fixed["status"], fixed["did"]) == ("ok", said)

    roots()
    steps = shop.devctl("onboard").result["steps"]
    assert next(s["detail"] for s in steps if s["id"] == "up").endswith(f"in dev mode; fixed: {said}")
