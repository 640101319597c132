"""What a rollback brings back: the model that was applied, whatever is in the project's folder by then."""

from __future__ import annotations

import pytest

from devctl.domain.command.requests import UpRequest
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.switch.applied_model import RUNNING
from tests.fakes import World, go_mod
from tests.workflows.test_transaction import Running


@pytest.fixture
def running() -> Running:
    return Running()


@pytest.mark.parametrize("fault", ["start-fails", "never-answers"])
def test_a_rollback_starts_what_is_kept_outside_of_the_folder(running: Running, fault: str) -> None:
    before = running.first
    assert before is not None
    running.world.save("go.mod", go_mod("a"))
    assert running.round(fault) is True
    now = running.world.container
    assert now is not None
    assert now.spec == before.spec
    assert running.world.served == (go_mod(), "v1")


def test_no_model_is_in_the_folder_and_that_of_an_earlier_version_goes(running: Running) -> None:
    """It holds what compose resolved from env files, and containers may read the folder."""
    world, copy = running.world, running.world.root / ".devctl/compose.json"
    before = world.private[world.root, RUNNING]
    world.files[copy] = before
    world.save("go.mod", go_mod("a"))
    running.round("never-answers")
    assert world.private[world.root, RUNNING] == before
    running.round()
    assert world.private[world.root, RUNNING] != before
    assert copy not in world.files


def test_a_model_that_cannot_be_kept_takes_the_one_before_with_it(running: Running) -> None:
    """A rollback to the state before the last change would start something that nobody wants any more."""
    world = running.world
    world.has_home = False
    world.save("go.mod", go_mod("a"))
    up(UpRequest(project=world.root, detach=True, watch=False, yes=True), world.box())
    assert world.served == (go_mod("a"), "v1")
    assert (world.root, RUNNING) not in world.private


def test_a_home_that_cannot_be_written_stops_no_up() -> None:
    """It is reported once, before anything starts; what would decide on its own later has no record to go by."""
    world = World()
    world.has_home = False
    up(UpRequest(project=world.root, detach=True, watch=False, yes=True), world.box())
    assert world.container is not None and world.container.state == "running"
    assert "state-not-writable" in {w.code for w in world.warnings}
