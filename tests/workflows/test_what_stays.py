"""A service that did not come up: the error says what stays and what happens next, and it is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devctl.domain.command.requests import RebuildRequest, RestartRequest, UpRequest
from devctl.errors import ProjectError
from devctl.workflows.dev.lifecycle import rebuild, restart, up
from tests.fakes import World


def failed(world: World, *, watch: bool = True) -> ProjectError:
    with pytest.raises(ProjectError) as error:
        up(UpRequest(project=world.root, detach=True, watch=watch, timeout=5), world.box())
    return error.value


@pytest.mark.parametrize("watch", [True, False])
def test_a_first_start_that_never_answers_stays_for_the_next_save(watch: bool) -> None:
    world = World()
    world.fault = "never-answers"
    said = failed(world, watch=watch).problem.message
    stay = "the container and the watcher keep running" if watch else "the container keeps running"
    assert said.endswith(f"; {stay}: the next save tries again, devctl down stops them")
    assert world.of("shop").state == "running" and (world.watcher is not None) == watch


def test_a_container_that_ended_is_told_as_what_it_is() -> None:
    world = World()
    world.fault = "exits"
    assert failed(world).problem.message.endswith(
        "; its container is kept (exited); devctl up starts it again"
    )
    assert world.of("shop").state == "exited"
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert world.of("shop").state == "running"


def test_where_the_previous_one_is_back_that_is_said() -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    served = world.served
    world.save("compose.yaml", '{"services": {"shop": {"build": ".", "tty": true}}}')
    world.fault = "never-answers"
    error = failed(world, watch=False)
    assert error.problem.message.endswith("; the previous container is running again")
    assert world.served == served
    steps = error.result["steps"]
    assert isinstance(steps, list) and "restore" in [s["step"] for s in steps]


def test_a_restart_that_does_not_answer_fails_and_says_it_too() -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.fault = "never-answers"
    with pytest.raises(ProjectError) as error:
        restart(RestartRequest(project=world.root, timeout=5), world.box())
    assert error.value.problem.message.endswith(
        "the container keeps running: the next save tries again, devctl down stops them"
    )
    assert error.value.result["serving"] == {"state": "none", "reason": "shop does not answer"}


def test_a_restart_brings_back_what_was_deleted_of_the_state_folder() -> None:
    """air reads its settings there when its container starts."""
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    below = world.root / ".devctl" / "shop"
    written = {path: text for path, text in world.files.items() if below in path.parents}
    assert written
    for path in written:
        del world.files[path]
    restart(RestartRequest(project=world.root, timeout=5), world.box())
    assert {path: text for path, text in world.files.items() if below in path.parents} == written


def test_an_up_beside_one_that_went_mute_is_not_already_up() -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.of("shop").mute = True
    assert failed(world, watch=False).code == "never-answers"


@pytest.mark.parametrize(("code", "told"), [(3, True), (0, False)])
def test_a_dependency_that_ended_is_told_though_the_service_answers(code: int, told: bool) -> None:
    world = World()
    world.compose({"api": {"build": ".", "depends_on": ["db"]}, "db": {"image": "pg"}})
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.stop(world.of("db"), code=code)
    starts = world.start

    def dies(made: object) -> object:
        done = starts(made)  # type: ignore[arg-type]
        if made is world.of("db"):
            world.stop(world.of("db"), code=code)
        return done

    world.start = dies  # type: ignore[method-assign, assignment]
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    found = [w.message for w in world.warnings if w.code == "dependency-exited"]
    assert found == (["db is not running: it exited with code 3"] if told else [])


@pytest.mark.parametrize(
    "again",
    [
        lambda world: restart(RestartRequest(project=world.root, timeout=5), world.box()),
        lambda world: rebuild(RebuildRequest(project=world.root, timeout=5), world.box()),
    ],
    ids=["restart", "rebuild"],
)
def test_a_dependency_that_ended_is_told_with_the_service_that_does_not_answer(
    again: Callable[[World], object],
) -> None:
    world = World()
    world.compose({"api": {"build": ".", "depends_on": ["db"]}, "db": {"image": "pg"}})
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.stop(world.of("db"), code=137)
    world.fault = "never-answers"
    with pytest.raises(ProjectError) as error:
        again(world)
    assert error.value.code == "never-answers"
    assert "; db exited with code 137" in error.value.problem.message
