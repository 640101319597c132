"""What fails or is interrupted is rolled back completely, the first error is the one that is reported, and the stored model
stays true."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.command.events import Remark, StepStarted
from devctl.domain.command.requests import (
    CleanRequest,
    DownRequest,
    PreviewRequest,
    RebuildRequest,
    SizeRequest,
    StatusRequest,
    UpRequest,
)
from devctl.domain.plan.engine_state import MODE_LABEL
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, InterruptedByUser, MachineError
from devctl.workflows.dev.lifecycle import down, rebuild, up
from devctl.workflows.doctor.clean import clean
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.size.size import size
from devctl.workflows.switch.applied_model import RUNNING
from devctl.workflows.switch.intent import Intent
from devctl.workflows.switch.switch import PREVIOUS, recover
from tests.fakes import KILLS, FakeImage, Killed, World, copies, go_mod

pytestmark = KILLS


def up_d(world: World, box: Toolbox | None = None) -> None:
    up(UpRequest(project=world.root, detach=True, watch=False), box or world.box())


def preview(world: World, box: Toolbox | None = None) -> None:
    prod_preview(PreviewRequest(project=world.root), box or world.box())


@copies
def running() -> World:
    world = World()
    up_d(world)
    return world


@copies
def prod() -> World:
    world = running()
    preview(world)
    return world


def kept(world: World) -> dict[str, str]:
    """The files that say how the project runs, and what it is built from."""
    told = {
        str(path): text
        for path, text in world.files.items()
        if ".devctl" in path.parts and "Dockerfile" in path.name
    }
    return {**told, RUNNING: world.private[world.root, RUNNING]}


@pytest.mark.parametrize("fault", ["build-fails", "gone-at-start", "start-fails"])
def test_an_up_that_fails_before_it_serves_leaves_production_and_its_model(fault: str) -> None:
    world = prod()
    before = kept(world)
    world.save("go.mod", go_mod("a"))
    world.fault = fault
    with pytest.raises(DevctlError):
        up_d(world)
    assert world.container is not None
    assert world.container.labels[MODE_LABEL] == "prod"
    assert world.served == (go_mod(), "v1")
    assert kept(world) == before
    world.save_source("v2 a")
    world.fault = "never-answers"
    with pytest.raises(DevctlError) as told:
        preview(world)
    assert told.value.problem.message.endswith("; prod is serving again")
    assert world.served == (go_mod(), "v1")


AIR = "shop/air.toml"


class Plants(Struct):
    """A compose whose containers plant a link as soon as they start."""

    compose: Any
    world: World

    def __getattr__(self, name: str) -> Any:
        if name == "up":
            self.world.planted.add(AIR)
        return getattr(self.compose, name)


def test_a_link_that_is_planted_where_a_rollback_writes_does_not_stop_it() -> None:
    world = running()
    before = world.of("shop").image.id
    air = world.files[world.root / ".devctl" / AIR]
    box = world.box()
    box = replace(box, compose=cast("Any", Plants(box.compose, world)))
    world.fault = "never-answers"
    with pytest.raises(DevctlError) as told:
        preview(world, box)
    assert told.value.problem.message.endswith("; dev is serving again")
    assert world.served == (go_mod(), "v1")
    assert world.of("shop").image.id == before == world.tags["shop-shop:dev"]
    assert [w.code for w in world.warnings] == ["state-folder-unsafe"]
    world.files.pop(world.root / ".devctl" / AIR)

    # The link is still there: what is left to do waits, and each command says what to do.
    up_d(world)
    assert [w.hint for w in world.warnings] == [f"rm .devctl/{AIR}"] * 2
    assert world.served == (go_mod(), "v1")
    assert (world.root, Intent.file) in world.private
    assert status(StatusRequest(project=world.root), world.box()).result["serving"]["state"] == "current"

    world.planted.clear()
    up_d(world)
    assert world.files[world.root / ".devctl" / AIR] == air
    assert world.served == (go_mod(), "v1")
    assert (world.root, Intent.file) not in world.private


def test_a_link_that_is_planted_after_a_kill_does_not_stop_the_rollback() -> None:
    world = killed("start shop")
    world.planted.add(AIR)
    clean(CleanRequest(project=world.root, yes=True), world.box())
    assert world.served == (go_mod(), "v1")
    assert (world.root, Intent.file) in world.private
    world.planted.clear()
    clean(CleanRequest(project=world.root, yes=True), world.box())
    assert (world.root, Intent.file) not in world.private
    assert world.served == (go_mod(), "v1")


def test_a_rebuild_that_does_not_answer_is_rolled_back() -> None:
    world = running()
    before = world.of("shop").image.id
    world.fault = "never-answers"
    with pytest.raises(DevctlError, match="did not answer"):
        rebuild(RebuildRequest(project=world.root), world.box())
    assert world.served == (go_mod(), "v1")
    assert world.of("shop").image.id == before == world.tags["shop-shop:dev"]
    assert set(world.images) == {before}
    world.save("main.go", "v2 missing")
    with pytest.raises(DevctlError, match="compile"):
        rebuild(RebuildRequest(project=world.root), world.box())
    assert world.of("shop").image.id == before


def test_an_image_that_lost_its_name_goes_with_the_next_switch_whoever_took_it() -> None:
    world = prod()
    ours = world.images[world.tags["shop-shop:dev"]].labels
    world.images |= {"lost": FakeImage("lost", ours, "older"), "theirs": FakeImage("theirs", {}, "older")}
    up_d(world)
    assert "lost" not in world.images
    assert "theirs" in world.images, "devctl did not build it"


def test_size_removes_what_it_took_the_name_of() -> None:
    world = prod()
    up_d(world)
    before = world.tags["shop-shop:prod-distroless"]
    world.save("main.go", "v2")
    with contextlib.suppress(DevctlError):  # its base is not an image of this world
        size(SizeRequest(project=world.root, bases=("distroless",)), world.box())
    assert world.tags["shop-shop:prod-distroless"] != before
    assert before not in world.images


@copies
def changed() -> World:
    world = running()
    world.save("go.mod", go_mod("a"))
    return world


def rebuilt(world: World, box: Toolbox) -> None:
    rebuild(RebuildRequest(project=world.root), box)


def drained(world: World, box: Toolbox) -> None:
    prod_preview(PreviewRequest(project=world.root, drain=True), box)


@pytest.mark.parametrize(
    ("start", "work"),
    [(changed, up_d), (prod, up_d), (running, rebuilt), (running, preview), (running, drained)],
    ids=["up", "up from production", "rebuild", "prod-preview", "drain"],
)
def test_ctrl_c_at_any_step_and_again_at_each_after_it_stops_no_rollback(
    start: Callable[[], World], work: Callable[[World, Toolbox], None]
) -> None:
    recorded = start()
    recorded.steps.clear()
    work(recorded, recorded.box())
    causes = set[str]()
    for step in recorded.steps:
        world = start()
        world.steps.clear()
        world.interrupt_at(step, again=True)
        with contextlib.suppress(InterruptedByUser, KeyboardInterrupt):
            work(world, world.box())
        world.interrupting = False
        causes |= {e.cause for e in world.events if isinstance(e, StepStarted) and e.step == "restore"}
        assert world.served is not None, step
        assert world.container is not None
        assert world.tags[world.container.ref] == world.container.image.id, step
        up_d(world)
        assert world.served == (world.mod, world.source), step
        assert (world.root, Intent.file) not in world.private, step
    assert causes == {"interrupted"}


@pytest.mark.parametrize("start", [World, changed, prod], ids=["first", "up", "up from production"])
def test_ctrl_c_at_any_step_of_up_says_what_runs(start: Callable[[], World]) -> None:
    recorded = start()
    recorded.steps.clear()
    up_d(recorded, recorded.box())
    for step in recorded.steps:
        world = start()
        world.interrupt_at(step)
        try:
            up_d(world, world.box())
        except KeyboardInterrupt:
            continue  # before it knew the project, or once more while it looked
        except InterruptedByUser as error:
            if error.problem.message == "interrupted":  # all was done but the notes
                continue
            runs = world.container is not None and world.container.state == "running"
            said = "shop still runs" if runs else "nothing is running"
            hint = (
                "devctl up continues, devctl down removes what is running"
                if runs
                else "devctl up starts again"
            )
            assert (error.problem.message, error.problem.hint) == (f"interrupted; {said}", hint), step


class Failing:
    """A port of which one call fails from some moment on."""

    def __init__(self, port: object, name: str, when: Callable[[], bool]) -> None:
        self._port, self._name, self._when = port, name, when

    def __getattr__(self, name: str) -> Any:
        if name == self._name and self._when():
            raise MachineError(
                "no Docker engine answers", code="engine-unreachable", hint="devctl doctor --fix"
            )
        return getattr(self._port, name)


@pytest.mark.parametrize(
    ("port", "call"), [("engine", "containers"), ("prober", "tcp"), ("processes", "spawn")]
)
def test_what_fails_while_an_error_is_told_does_not_take_its_place(port: str, call: str) -> None:
    world = prod()
    world.fault = "build-fails"
    box = world.box()
    failing = Failing(getattr(box, port), call, lambda: world.fault == "")
    box = replace(box, **{port: cast("Any", failing)})
    world.save("go.mod", go_mod("a"))
    with pytest.raises(DevctlError) as told:
        up(UpRequest(project=world.root, detach=True), box)
    assert told.value.code == "build-failed"
    assert any("failed as well: no Docker engine answers" in w.message for w in world.warnings)
    up_d(world)
    assert world.served == (go_mod("a"), "v1")


def killed(step: str) -> World:
    world = changed()
    world.steps.clear()
    world.kill_at(step)
    with pytest.raises(Killed):
        up_d(world)
    return world


def notes(world: World) -> list[str]:
    return [e.text for e in world.events if isinstance(e, Remark) and "interrupted" in e.text]


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (
            "build shop",
            r"rolled back the switch of shop that `devctl up` began at \S+ \S+, which was interrupted; nothing",
        ),
        (
            "start shop",
            r"rolled back the switch of shop .*, which was interrupted; shop is back to its previous version",
        ),
        ("keep intent.json #2", r"finished the switch of shop that `devctl up` began at .*"),
    ],
)
def test_the_next_command_says_in_one_line_what_became_of_it(step: str, says: str) -> None:
    world = killed(step)
    world.events.clear()
    clean(CleanRequest(project=world.root, yes=True), world.box())
    (said,) = notes(world)
    assert re.match(says, said), said
    assert world.served is not None


def test_an_image_that_an_interrupted_switch_may_go_back_to_is_not_cleaned() -> None:
    world = killed("start shop")
    old = next(i for i in world.images if i not in world.tags.values())
    planned = clean(CleanRequest(project=world.root, yes=True, dry_run=True), world.box())
    assert old not in str(planned.result)
    up_d(world)
    assert world.served == (go_mod("a"), "v1")


def test_an_interrupted_switch_that_cannot_be_undone_does_not_stand_in_the_way() -> None:
    world = killed("start shop")
    old = next(i for i in world.images if i not in world.tags.values())
    del world.images[old]  # `docker image prune`
    up_d(world)
    assert "could not be rolled back" in world.warnings[-1].message
    assert world.served == (go_mod("a"), "v1")


def test_a_down_that_was_killed_says_what_it_left() -> None:
    world = World()
    world.compose({"api": {"build": "."}, "db": {"image": "postgres:17"}})
    up_d(world)
    world.steps.clear()
    world.kill_at("remove api")
    with pytest.raises(Killed):
        down(DownRequest(project=world.root), world.box())
    world.events.clear()
    clean(CleanRequest(project=world.root, yes=True), world.box())
    (said,) = notes(world)
    assert said.endswith("was interrupted; still there: shop-api-1 (devctl down removes it)")
    down(DownRequest(project=world.root), world.box())
    assert (world.containers, world.networks) == ({}, {})
    assert (world.root, Intent.file) not in world.private


def killed_where_builds_remove_images() -> World:
    """The containerd image store: what ran before has only the name that the command gave it."""
    world = World()
    world.containerd_store = True
    up_d(world)
    world.save("go.mod", go_mod("a"))
    world.steps.clear()
    world.kill_at("start shop")
    with pytest.raises(Killed):
        up_d(world)
    assert previous(world)
    return world


def previous(world: World) -> list[str]:
    return [ref for ref in world.tags if ref.startswith(f"{PREVIOUS}:")]


def test_down_after_a_kill_leaves_no_name_of_what_ran_before() -> None:
    world = killed_where_builds_remove_images()
    down(DownRequest(project=world.root), world.box())
    assert (previous(world), world.dangling()) == ([], set())


def test_a_down_that_was_killed_too_leaves_no_name_of_it_after_the_next_command() -> None:
    world = killed_where_builds_remove_images()
    world.kill_at("remove network shop_default")
    with pytest.raises(Killed):
        down(DownRequest(project=world.root), world.box())
    assert previous(world)
    up_d(world)
    assert (previous(world), world.served) == ([], (go_mod("a"), "v1"))


def test_a_rollback_that_fails_leaves_no_second_name_of_what_ran_before() -> None:
    world = killed_where_builds_remove_images()
    world.fault = "start-fails"
    recover(world.box(), world.root)
    assert any("could not be rolled back" in w.message for w in world.warnings)
    assert (previous(world), world.private.get((world.root, Intent.file))) == ([], None)


def test_clean_removes_a_name_for_a_rollback_that_no_switch_needs() -> None:
    world = killed_where_builds_remove_images()
    (name,) = previous(world)
    request = CleanRequest(project=world.root, yes=True)
    assert name not in str(clean(replace(request, dry_run=True), world.box()).result), "it is still needed"
    image = world.images[world.tags[name]]
    down(DownRequest(project=world.root), world.box())
    world.images[image.id], world.tags[name] = image, image.id  # as an older devctl left it
    up_d(world)
    assert previous(world) == [name]
    assert clean(request, world.box()).result["removed"] == [{"kind": "image", "name": name}]
    assert list(world.tags) == ["shop-shop:dev"]
