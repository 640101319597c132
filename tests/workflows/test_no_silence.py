"""Whatever may take long belongs to a step that people see: no command calls compose outside a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import StepDone, StepFailed, StepStarted
from devctl.domain.command.requests import (
    DownRequest,
    PreviewRequest,
    RebuildRequest,
    RestartRequest,
    SizeRequest,
    UpRequest,
)
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError
from devctl.workflows.dev.lifecycle import down, rebuild, restart, up
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.size.size import size
from tests.fakes import World

COMMANDS: dict[str, Callable[[World, Toolbox], object]] = {
    "up": lambda world, box: up(UpRequest(project=world.root, detach=True, watch=False), box),
    "rebuild": lambda world, box: rebuild(RebuildRequest(project=world.root), box),
    "restart": lambda world, box: restart(RestartRequest(project=world.root), box),
    "prod-preview": lambda world, box: prod_preview(PreviewRequest(project=world.root), box),
    "size": lambda world, box: size(SizeRequest(project=world.root, bases=("distroless",)), box),
    "down": lambda world, box: down(DownRequest(project=world.root), box),
}


def watched(world: World, box: Toolbox, called: list[str], unseen: list[str]) -> Toolbox:
    """A box that notes each call of compose, and those during which no step was open."""

    class Compose:
        def __getattr__(self, name: str) -> Any:
            steps = [e for e in world.events if isinstance(e, StepStarted | StepDone | StepFailed)]
            called.append(name)
            if sum(1 if isinstance(e, StepStarted) else -1 for e in steps) == 0:
                unseen.append(name)
            return getattr(box.compose, name)

    return replace(box, compose=cast("Any", Compose()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_call_of_compose_belongs_to_a_step(command: str) -> None:
    world = World()
    if command != "up":
        COMMANDS["up"](world, world.box())
    world.events.clear()
    called: list[str] = []
    unseen: list[str] = []
    try:
        COMMANDS[command](world, watched(world, world.box(), called, unseen))
    except DevctlError as error:
        assert command == "size", error  # the world has no image of its base
    assert called
    assert unseen == []
