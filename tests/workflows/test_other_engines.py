"""Engines that are rootless or far away, in the world in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.errors import MachineError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.preview.preview import prod_preview
from tests.fakes import World


@pytest.mark.parametrize(("rootless", "user"), [(False, "1000:1000"), (True, "0:0")])
def test_on_a_rootless_engine_the_dev_container_runs_as_root_who_is_the_user(
    rootless: bool, user: str
) -> None:
    world = World()
    world.rootless = rootless
    up(UpRequest(project=world.root, detach=True), world.box())
    assert world.container.spec["user"] == user


@pytest.mark.parametrize(
    "command",
    [
        lambda world: up(UpRequest(project=world.root, detach=True), world.box()),
        lambda world: prod_preview(PreviewRequest(project=world.root), world.box()),
    ],
)
def test_an_engine_on_another_machine_is_refused_before_anything_is_built(
    command: Callable[[World], Outcome],
) -> None:
    world = World()
    world.far = True
    with pytest.raises(
        MachineError, match=r"cannot see .*/go.mod, so your source cannot be mounted"
    ) as refused:
        command(world)
    assert refused.value.problem.code == "engine-sees-no-files"
    assert (world.images, world.calls) == ({}, [])
