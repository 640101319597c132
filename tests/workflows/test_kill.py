"""kill -9 at every change that a command makes: what is reported afterwards is true, and the next command succeeds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from devctl.domain.command.requests import (
    CleanRequest,
    DownRequest,
    PreviewRequest,
    RebuildRequest,
    RestartRequest,
    StatusRequest,
    UpRequest,
)
from devctl.domain.plan.engine_state import MODE_LABEL
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, MachineError
from devctl.workflows.dev.lifecycle import down, rebuild, restart, up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.doctor.clean import clean
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.switch.applied_model import RUNNING
from devctl.workflows.switch.intent import Intent, read_intent
from tests.fakes import KILLS, Killed, World, copies, go_mod
from tests.helpers import spread

pytestmark = KILLS
SERVICES = {"api": {"build": ".", "depends_on": ["db"]}, "db": {"image": "postgres:17"}}


def up_(world: World, box: Toolbox | None = None) -> dict[str, Any]:
    return up(UpRequest(project=world.root, detach=True, watch=False), box or world.box()).result


def preview_(world: World, box: Toolbox | None = None, **how: Any) -> dict[str, Any]:
    return prod_preview(PreviewRequest(project=world.root, **how), box or world.box()).result


def cold() -> World:
    return World()


@copies
def running() -> World:
    world = World()
    up_(world)
    return world


@copies
def changed() -> World:
    world = running()
    world.save("go.mod", go_mod("a"))
    return world


@copies
def prod() -> World:
    world = running()
    preview_(world)
    return world


def with_database() -> World:
    world = World()
    world.compose(SERVICES)
    return world


def round_(world: World, box: Toolbox) -> None:
    known = load(box, world.root)
    catch_up(box, known)


def rebuild_(world: World, box: Toolbox) -> None:
    rebuild(RebuildRequest(project=world.root), box)


def restart_(world: World, box: Toolbox) -> None:
    restart(RestartRequest(project=world.root), box)


def down_(world: World, box: Toolbox) -> None:
    down(DownRequest(project=world.root), box)


Work = Callable[[World, Toolbox], object]


class Case(Struct, frozen=True):
    """`mode`: what serves when `again` was called after the kill."""

    start: Callable[[], World]
    work: Work
    mode: str = "dev"
    again: Work = up_


CASES = {
    "up from nothing": Case(cold, up_),
    "up from nothing with a database": Case(with_database, up_),
    "up with changed dependencies": Case(changed, up_),
    "up from production": Case(prod, up_),
    "a round of the watcher": Case(changed, round_),
    "rebuild": Case(running, rebuild_),
    "restart": Case(running, restart_),
    "prod-preview from dev": Case(running, preview_, "prod", preview_),
    "prod-preview from dev, then up": Case(running, preview_),
    "prod-preview from production, another base": Case(
        prod, lambda w, b: preview_(w, b, base="alpine"), "prod", lambda w, b: preview_(w, b, base="alpine")
    ),
    "prod-preview --drain": Case(running, lambda w, b: preview_(w, b, drain=True), "prod", preview_),
    "down": Case(running, down_),
}


def steps(case: Case) -> list[str]:
    world = case.start()
    world.steps.clear()
    case.work(world, world.box())
    return list(world.steps)


@pytest.mark.parametrize("name", list(CASES))
def test_after_a_kill_nothing_lies_and_the_next_command_ends_well(name: str) -> None:
    wrong: dict[str, AssertionError] = {}
    every = steps(CASES[name])
    for step in spread(every, list(CASES).index(name)):
        try:
            killed_at(step, CASES[name])
        except AssertionError as error:
            wrong[step] = error
    told = "\n".join(f"killed before `{step}`: {error}" for step, error in wrong.items())
    assert not wrong, f"of {len(every)} steps: {every}\n{told}"


def killed_at(step: str, case: Case) -> None:
    world = case.start()
    served = world.served
    world.steps.clear()
    world.kill_at(step)
    try:
        case.work(world, world.box())
    except Killed:
        pass
    else:
        assert not world.kill_step, "a thread of the killed process outlived it"
    says_no_unproven_container_is_current(world)
    case.again(world, world.box())
    ends_well(world, case)
    assert served is None or world.served is not None


def says_no_unproven_container_is_current(world: World) -> None:
    intent = read_intent(world.box().private, world.root)
    serving = status(StatusRequest(project=world.root), world.box()).result["serving"]
    assert isinstance(serving, dict)
    if intent is None or intent.proven or world.container is None:
        return
    unproven = [
        c for c in world.containers.values() if intent.is_new(c.service, c.id) and c.state == "running"
    ]
    if unproven or not any(c.is_ours and c.state == "running" for c in world.containers.values()):
        assert serving["state"] == "none", serving
        assert "was interrupted; devctl" in str(serving["reason"])


def ends_well(world: World, case: Case) -> None:
    ours = [c for c in world.containers.values() if c.service]
    assert sorted(c.service for c in ours) == sorted({c.service for c in ours}), "one container a service"
    assert all(c.state == "running" for c in ours)
    assert world.container is not None
    assert world.container.labels[MODE_LABEL] == case.mode
    assert world.served == (world.mod, world.source)
    assert world.tags[world.container.ref] == world.container.image.id
    assert (world.root, Intent.file) not in world.private
    assert (world.root, RUNNING) in world.private
    assert not world.held
    left = {ref: world.images[i] for ref, i in world.tags.items()}
    assert not world.dangling(), (world.dangling(), left)


class Failing(Struct, frozen=True):
    """A command that fails and takes back what it did."""

    start: Callable[[], World]
    work: Work


FAILING = {
    "up": Failing(changed, up_),
    "up from production": Failing(prod, up_),
    "a round of the watcher": Failing(changed, round_),
    "rebuild": Failing(running, rebuild_),
    "prod-preview": Failing(running, preview_),
}


def failed(case: Failing, fault: str, *, kill: str = "") -> World:
    world = case.start()
    world.steps.clear()
    world.fault = fault
    world.kill_at(kill)
    with contextlib.suppress(Killed, DevctlError):
        case.work(world, world.box())
    world.fault = ""
    return world


@pytest.mark.follows("run the command again; if that keeps happening, see what was killed: sudo dmesg | tail")
@pytest.mark.parametrize("name", list(FAILING))
def test_a_killed_compose_is_not_the_projects_fault_and_the_next_try_succeeds(name: str) -> None:
    case = FAILING[name]
    world = case.start()
    world.fault = "compose-killed"
    if name == "a round of the watcher":
        case.work(world, world.box())
    else:
        with pytest.raises(MachineError) as raised:
            case.work(world, world.box())
        assert raised.value.code == "docker-killed"
    case.work(world, world.box())
    assert world.of("shop").app == world.served


@pytest.mark.parametrize("fault", ["start-fails", "never-answers"])
@pytest.mark.parametrize("name", list(FAILING))
def test_after_a_kill_in_a_rollback_the_next_command_continues_with_it(name: str, fault: str) -> None:
    """What a rollback restores runs in containers that are new as well: that they answer does not finish the switch."""
    steps = failed(FAILING[name], fault).steps
    for step in spread(steps, list(FAILING).index(name) + len(fault)):
        was = running_as(FAILING[name].start())
        world = failed(FAILING[name], fault, kill=step)
        killed_again = world.private.get((world.root, Intent.file))
        clean(CleanRequest(project=world.root, yes=True), world.box())
        assert (world.root, Intent.file) not in world.private, step
        if killed_again is not None and json.loads(killed_again)["undoing"]:
            assert running_as(world) == was, step
        up_(world)
        ends_well(world, Case(FAILING[name].start, up_))


def running_as(world: World) -> tuple[object, ...]:
    """The one container, and the model that a rollback would start it by."""
    assert world.container is not None
    kept = json.loads(world.private[world.root, RUNNING])
    return world.container.labels, world.container.spec, world.served, kept


def test_a_kill_while_a_killed_switch_is_undone_is_undone_too() -> None:
    def killed() -> World:
        world = changed()
        world.steps.clear()
        world.kill_at("start shop")
        with pytest.raises(Killed):
            up_(world)
        world.steps.clear()
        return world

    def recovered(world: World) -> None:
        clean(CleanRequest(project=world.root, yes=True), world.box())

    was, recorded = running_as(running()), killed()
    recovered(recorded)
    assert recorded.steps
    for step in recorded.steps:
        world = killed()
        world.kill_at(step)
        with pytest.raises(Killed):
            recovered(world)
        recovered(world)
        assert running_as(world) == was, step
        assert (world.root, Intent.file) not in world.private
        assert not world.dangling()
