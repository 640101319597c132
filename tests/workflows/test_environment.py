"""`devctl env` in the world in memory: the variables of a service with the addresses that its dependencies have on the host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Alert, Remark
from devctl.domain.command.requests import EnvRequest, UpRequest
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError, UsageError
from devctl.workflows.dev.alert import alert
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.environment.environment import env
from tests.fakes import FakeProcesses, World

SERVICES: dict[str, dict[str, Any]] = {
    "api": {
        "build": ".",
        "ports": ["8080:8080"],
        "environment": {
            "DATABASE_URL": "postgres://me:s3cret@db:5432/shop", "QUEUE_URL": "amqp://queue:5672/", "spring.port": "1",
            "AIR_POLL": "",
        },
    },
    "db": {"image": "postgres:17", "ports": ["15432:5432"]},
    "queue": {"image": "rabbitmq:4"},
}  # fmt: skip


@pytest.fixture
def world() -> World:
    made = World()
    made.compose(SERVICES)
    up(UpRequest(project=made.root, detach=True, watch=False), made.box())
    made.events.clear()
    return made


def test_addresses_are_those_of_the_host(world: World) -> None:
    told = env(EnvRequest(project=world.root), world.box())
    variables = cast("dict[str, str]", told.result["variables"])
    assert variables == {
        "API_URL": "http://127.0.0.1:8080", "DB_ADDR": "127.0.0.1:15432",
        "DATABASE_URL": "postgres://me:s3cret@127.0.0.1:15432/shop", "QUEUE_URL": "amqp://queue:5672/",
    }  # fmt: skip
    assert told.result["hidden"] == [{"variable": "QUEUE_URL", "address": "queue:5672"}]
    assert "export DATABASE_URL='postgres://me:s3cret@127.0.0.1:15432/shop'" in told.text.splitlines()


def test_what_is_left_as_it_is_or_out_is_said_beside_it(world: World) -> None:
    env(EnvRequest(project=world.root), world.box())
    assert [event.text for event in world.events if isinstance(event, Remark)] == [
        "QUEUE_URL: queue:5672 is only reachable from containers: its port is not published",
        "spring.port: left out: not a valid name for a shell variable",
    ]


def test_without_a_container_the_compose_file_says_it(world: World) -> None:
    world.containers.clear()
    variables = cast("dict[str, str]", env(EnvRequest(project=world.root), world.box()).result["variables"])
    assert variables["DB_ADDR"] == "127.0.0.1:15432" and "API_URL" not in variables


def test_json_is_for_programs(world: World) -> None:
    told = env(EnvRequest(project=world.root, service="api", form="json"), world.box())
    assert json.loads(told.text) == told.result["variables"]


def test_another_service_and_one_that_is_not_there(world: World) -> None:
    assert (
        "DATABASE_URL"
        not in cast("Any", env(EnvRequest(project=world.root, service="db"), world.box()).result)["variables"]
    )
    with pytest.raises(UsageError, match="no service 'web'"):
        env(EnvRequest(project=world.root, service="web"), world.box())


def test_a_dry_run_prints_no_value(world: World) -> None:
    assert "s3cret" not in str(env(EnvRequest(project=world.root, dry_run=True), world.box()))


# a bell and a notification


@pytest.mark.parametrize(
    ("how", "rings", "notifies"),
    [("none", 0, 0), ("bell", 1, 0), ("desktop", 0, 1), ("both", 1, 1)],
)
def test_an_alert_is_what_devctl_yaml_asks_for(
    world: World, how: str, rings: int, notifies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(FakeProcesses, "run", _recording(called))
    alert(world.box(), how, "api was not reloaded", "main.go:3:1: a <b> & c\x1b[2J")
    assert len([e for e in world.events if isinstance(e, Alert)]) == rings
    assert (
        called
        == [
            [
                "notify-send",
                "--app-name=devctl",
                "--",
                "api was not reloaded",
                "main.go:3:1: a &lt;b> &amp; c\\x1b[2J",
            ]
        ]
        * notifies
    )


def _recording(called: list[list[str]]) -> Callable[..., Finished]:
    def run(self: FakeProcesses, argv: list[str], **how: Any) -> Finished:
        called.append([*argv])
        return Finished(127, "", "notify-send: program not found", started=False)

    return run


def test_an_alert_is_never_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(self: FakeProcesses, argv: list[str], **how: Any) -> Finished:
        raise MachineError("`notify-send` did not finish within 5 s", code="program-hangs", hint="x")

    monkeypatch.setattr(FakeProcesses, "run", hangs)
    box = replace(world.box())
    alert(box, "desktop", "api was not reloaded", "no")
