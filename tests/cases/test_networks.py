"""Where a service is reached, when it is not at a port of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.steps import edit, inspect
from tests.engine.cli import docker, get, serves
from tests.engine.compiled import PLACE, into_project
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def test_a_service_that_lives_in_the_network_of_another(case: Callable[[str], Started]) -> None:
    ferry = case("network_of_another_service")
    ferry.devctl("up", "-d")
    assert get(ferry.port) == "ferry carries one\n"
    state = {s["name"]: s for s in ferry.devctl("status").result["services"]}
    assert state["ferry"]["url"] == f"http://127.0.0.1:{ferry.port}"
    rendered = ferry.devctl("config", "render").result["model"]["services"]["ferry"]
    assert not rendered.get("ports") and not rendered.get("networks")
    edit(ferry, "main.go", "one", "two")
    serves(ferry.port, "ferry carries two")

    holder = inspect(ferry, "tunnel", "{{.Id}}")
    ferry.devctl("prod-preview")
    assert get(ferry.port) == "ferry carries two\n"
    assert inspect(ferry, "tunnel", "{{.Id}}") == holder
    assert inspect(ferry, "ferry", "{{.HostConfig.NetworkMode}}") == f"container:{holder}"

    ferry.devctl("up", "-d")
    docker("restart", "--time", "1", holder)  # the network that the others live in is gone now
    ferry.devctl("up", "-d")
    assert get(ferry.port) == "ferry carries two\n"


def test_only_the_live_reload_proxy_of_air_is_published(case: Callable[[str], Started]) -> None:
    beacon = case("behind_the_proxy_of_air")
    into_project(beacon.name, "build-cache", target=PLACE)
    beacon.devctl("up", "-d")
    serves(beacon.port, "beacon blinks one")
    edit(beacon, "main.go", "one", "two")
    serves(beacon.port, "beacon blinks two")

    beacon.devctl("prod-preview")
    assert "beacon blinks two" in get(beacon.port)
    assert beacon.devctl("status").result["services"][0]["url"] == f"http://127.0.0.1:{beacon.port}"

    beacon.devctl("up", "-d")
    serves(beacon.port, "beacon blinks two")
