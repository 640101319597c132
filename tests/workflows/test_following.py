"""Which containers' logs are followed, and from which line on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.command.events import LogLine
from devctl.domain.command.requests import UpRequest
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.logs.follow import stream
from devctl.workflows.project.load import load
from tests.fakes import FakeProcesses, World

SHOP = {"api": {"build": "."}, "worker": {"build": "."}}


def running() -> World:
    world = World()
    world.compose(SHOP)
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.events.clear()
    return world


def followed(world: World, after_a_while: Callable[[], None]) -> None:
    """Some seconds of following, in the midst of which something happens."""
    rounds = iter(range(12))

    def stop() -> bool:
        number = next(rounds, None)
        if number == 6:
            after_a_while()
        return number is None

    box = world.box()
    stream(box, load(box, world.root), (), tail=0, stop=stop)


def test_a_container_that_has_not_started_yet_is_followed_once_it_has() -> None:
    """`docker logs --follow` of it would end at once."""
    world = running()
    api = world.of("api")
    api.state, api.log = "created", []

    def starts() -> None:
        api.state, api.log = "running", ["listening"]

    followed(world, starts)
    assert [e.line for e in world.events if isinstance(e, LogLine) and e.service == "api"] == ["listening"]


def test_old_lines_of_no_service_are_shown_and_all_of_a_container_that_came_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, asked = running(), dict[str, list[str]]()
    follow = FakeProcesses.follow

    def recording(self: FakeProcesses, argv: Any, **how: Any) -> Any:
        asked[argv[-1]] = list(argv)
        return follow(self, argv, **how)

    monkeypatch.setattr(FakeProcesses, "follow", recording)
    before = {c.id for c in world.containers.values()}
    api = world.of("api")

    def comes_new() -> None:
        world.containers.pop(api.id)
        api.id = "anew"
        world.containers["anew"] = api

    followed(world, comes_new)
    assert {name: "--tail" in argv for name, argv in asked.items()} == {
        **dict.fromkeys(before, True),
        "anew": False,
    }
