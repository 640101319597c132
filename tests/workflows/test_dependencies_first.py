"""A service starts once the database that it calls accepts connections, even if nothing in the compose file waits for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Remark
from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.workflows.dev.compile_check import lacks_module
from devctl.workflows.dev.up import up
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.ready.dependencies import AT_MOST
from tests.fakes import World


def world_with_database(**spec: object) -> World:
    world = World()
    api = {"build": ".", "environment": {"DATABASE_URL": "postgres://db:5432/x"}, "depends_on": ["db"]}
    world.compose({"shop": api, "db": {"image": "postgres:17", **spec}})
    return world


def bring_up(world: World) -> None:
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())


def test_in_dev_and_in_production() -> None:
    for command in (
        bring_up,
        lambda world: prod_preview(PreviewRequest(project=world.root), world.box()),
    ):
        world = world_with_database()
        world.listens_after["db"] = 4.0
        command(world)
        assert world.of("shop").started - world.of("db").started >= 4.0


def test_a_dependency_that_answers_or_has_run_for_long_is_not_waited_for() -> None:
    world = world_with_database()
    bring_up(world)
    world.listens_after["db"] = 1e9
    world.now += AT_MOST
    world.containers.pop(world.of("shop").id)
    began = world.now
    bring_up(world)
    assert world.of("shop").started - began < 5.0


def test_one_that_never_listens_delays_a_service_for_a_minute_at_most_with_a_message() -> None:
    world = world_with_database()
    world.listens_after["db"] = 1e9
    bring_up(world)
    assert AT_MOST <= world.of("shop").started - world.of("db").started < AT_MOST + 10
    said = [e.text for e in world.events if isinstance(e, Remark)]
    assert [text for text in said if "db has not answered on port 5432 within 60 s" in text]
    assert world.of("shop").app is not None


def test_an_engine_whose_clock_is_ahead_does_not_delay_a_service_longer() -> None:
    world = world_with_database()
    world.listens_after["db"] = 1e9
    world.engine_ahead = 7200.0
    bring_up(world)
    assert world.of("shop").started - world.of("db").started < AT_MOST + 10


@pytest.mark.parametrize("port", [True, False])
def test_up_restarts_a_program_that_has_exited(port: bool) -> None:
    world = World()
    world.compose({"shop": {"build": "."} | ({"ports": ["8080:8080"]} if port else {})})
    bring_up(world)
    container = world.of("shop")
    world.program_exits(container, 3)
    world.steps.clear()
    bring_up(world)
    assert (world.of("shop"), container.app, "run again" in world.steps) == (container, world.served, True)
    assert container.exit_state is None
    world.steps.clear()
    bring_up(world)
    assert world.steps == []


def test_up_restarts_a_container_that_was_created_while_the_folder_was_moved() -> None:
    world = World()
    bring_up(world)
    container = world.of("shop")
    container.sees_source, container.app, container.build_state = False, None, "failed 1"
    world.steps.clear()
    bring_up(world)
    assert [step for step in world.steps if step.endswith("shop")] == ["stop shop", "start shop"]
    assert (world.of("shop"), container.app, container.starts) == (container, world.served, 2)


@pytest.mark.parametrize("why", ["paused", "a stage of the user's"])
def test_what_is_not_known_to_lack_the_source_is_not_restarted(why: str) -> None:
    world = World()
    bring_up(world)
    container = world.of("shop")
    service = load(world.box(), world.root).services[0]
    running = world.box().engine.containers("shop").of("shop")
    assert running is not None
    container.sees_source = False
    assert lacks_module(world.box().processes, running, service)
    other = replace(service, build=replace(service.build, dev_stage="dev", shares_cache=False))
    how = (replace(running, state="paused"), service) if why == "paused" else (running, other)
    assert not lacks_module(world.box().processes, *how)
