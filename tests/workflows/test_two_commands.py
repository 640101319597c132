"""Two commands at once are one after the other: what they leave and what each of them says is that of an order."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Remark, StepDone, StepStarted
from devctl.domain.command.requests import (
    CleanRequest,
    DoctorRequest,
    DownRequest,
    InitRequest,
    OnboardRequest,
    PreviewRequest,
    RebuildRequest,
    RestartRequest,
    UpRequest,
)
from devctl.domain.doctor.facts import MachineFacts, TreeFacts
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.plan.engine_state import MODE_LABEL
from devctl.domain.ports.machine import MachineBox
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError
from devctl.workflows.dev.lifecycle import down, rebuild, restart, up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.doctor.clean import clean
from devctl.workflows.doctor.commands import doctor
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.screen import foreground
from devctl.workflows.start.onboard import onboard
from devctl.workflows.start.scaffold import init
from tests.domain.test_checks import HEALTHY, TREE
from tests.fakes import FakeFiles, World, copies, go_mod
from tests.helpers import spread

SHOP = {
    "api": {"build": ".", "depends_on": ["db"]},
    "db": {"image": "postgres:17", "volumes": ["data:/var/lib/postgresql/data"]},
}


SCRIPT = "start.sh"


class Healthy:
    """A healthy machine, except for one script of the project that is not executable until somebody makes it so."""

    def __init__(self, world: World) -> None:
        self.world = world

    def facts(self) -> MachineFacts:
        return replace(HEALTHY, docker_config=None)

    def available(self, ref: str) -> bool:
        return True

    def tree(self, root: Path) -> TreeFacts:
        locked = () if self.world.files.get(root / SCRIPT) == "x" else (SCRIPT,)
        return replace(TREE, root=str(root), locked_scripts=locked)

    def change_modes(self, root: str, names: Iterable[str], change: Callable[[int], int]) -> None:
        for name in names:
            self.world.steps.append(f"chmod {name}")
            self.world.files[Path(root) / name] = "x"

    def complete_modules(self, tree: TreeFacts, gaps: Sequence[ModuleGap], *, image: str) -> str:
        self.world.steps.append("go mod tidy")
        return "go.sum is complete"

    def watchers(self) -> dict[int, Path]:
        return {}

    def named(self, repository: str) -> list[str]:
        return [f"{repository}:1.26"]


class Kept(dict[Path, str]):
    """The files of a world that reads no Dockerfile: the one of `init` is not kept."""

    def __setitem__(self, path: Path, text: str) -> None:
        if path.name != "Dockerfile":
            super().__setitem__(path, text)


def box_of(world: World) -> Toolbox:
    """With a machine that `doctor` can look at and fix."""
    box, machine = world.box(), cast("Any", Healthy(world))
    return replace(
        box,
        machine=lambda: MachineBox(box.reporter, box.clock, box.host, machine, machine, machine, machine),
    )


def up_d(world: World, box: Toolbox) -> str:
    return up(UpRequest(project=world.root, detach=True, yes=True), box).text


def ctrl_c(world: World, box: Toolbox) -> str:
    """The end of a foreground `up`; its watcher exited with it."""
    project = load(box, world.root)
    request = UpRequest(project=world.root, watch=False)
    return foreground._stop(request, box, project, foreground.Outcome()).text


def watcher_round(world: World, box: Toolbox) -> str:
    return f"failed: {catch_up(box, load(box, world.root))[1]}"


def doctor_fix(world: World, box: Toolbox) -> str:
    """What it did: it looks without waiting for anybody, and what it sees meanwhile is as true as what it sees afterwards."""
    checks: Any = doctor(DoctorRequest(project=world.root, fix=True, yes=True), box).result["checks"]
    return "; ".join(f"fixed {check['id']}" for check in checks if check["fixed"])


def onboarded(world: World, box: Toolbox) -> str:
    """The steps that change something; the last one asks the service, and no lock keeps it running until then."""
    try:
        result = onboard(OnboardRequest(project=world.root, yes=True), box).result
    except DevctlError as error:
        result = error.result
    steps: Any = result["steps"]
    return "; ".join(f"{s['id']} {s['status']} {s['detail']}" for s in steps if s["id"] in ("env", "up"))


COMMANDS: dict[str, Callable[[World, Toolbox], str]] = {
    "up": up_d,
    "prod-preview": lambda world, box: prod_preview(PreviewRequest(project=world.root, yes=True), box).text,
    "restart": lambda world, box: restart(RestartRequest(project=world.root), box).text,
    "rebuild": lambda world, box: rebuild(RebuildRequest(project=world.root), box).text,
    "down": lambda world, box: down(DownRequest(project=world.root), box).text,
    "down --volumes": lambda world, box: (
        down(DownRequest(project=world.root, volumes=True, yes=True), box).text
    ),
    "clean": lambda world, box: clean(CleanRequest(project=world.root, yes=True), box).text,
    "init": lambda world, box: init(InitRequest(project=world.root), box).text,
    "doctor --fix": doctor_fix,
    "onboard": onboarded,
    "round": watcher_round,
    "ctrl-c": ctrl_c,
}
LOCKS_AS = {"round": "watch", "ctrl-c": "up"}
"""Where the lock has another name than the command."""


def locks_as(name: str) -> str:
    return LOCKS_AS.get(name, name.split(maxsplit=1)[0])


IN_PARTS = {"onboard"}
"""Commands one after the other, as far as others are concerned: another may be at work between two of them."""


@copies
def nothing() -> World:
    world = World()
    world.files = Kept(world.files)
    world.compose(SHOP, volumes=["data"])
    world.save(".env.example", "LEVEL=debug\n")
    return world


@copies
def in_dev() -> World:
    """It runs, and go.mod has changed since."""
    world = nothing()
    box = world.box()
    up(UpRequest(project=world.root, detach=True, watch=False, yes=True), box)
    world.save("go.mod", go_mod("a"))
    return world


@copies
def in_prod() -> World:
    """Production serves, and go.mod has changed since."""
    world = nothing()
    prod_preview(PreviewRequest(project=world.root, yes=True), world.box())
    world.save("go.mod", go_mod("a"))
    return world


STARTS = {"nothing": nothing, "in dev": in_dev, "in prod": in_prod}


def said(world: World, name: str) -> str:
    """What a command answers: its text or its error, without the times in it."""
    try:
        text = COMMANDS[name](world, box_of(world))
    except DevctlError as error:
        text = f"{error.code}: {error}"
    return re.sub(r"\d+(\.\d+)?", "N", text)


def left(world: World) -> list[object]:
    found = [
        (c.service, c.state, c.labels.get(MODE_LABEL), world.app_of(c)) for c in world.containers.values()
    ]
    return [
        sorted(map(repr, found)),
        sorted(world.volumes),
        sorted(world.networks),
        world.watcher is not None,
    ]


Found = tuple[tuple[str, str], list[object]]
"""What the first and the second command answer, and what they leave."""


@cache
def in_order(start: str, first: str, second: str) -> Found:
    world = STARTS[start]()
    return (said(world, first), said(world, second)), left(world)


@cache
def in_between(start: str, first: str, second: str, number: int) -> Found | None:
    """`second` as a whole, after `first` has let the lock go for that many times; None where it does not so often."""
    world = STARTS[start]()
    answers: dict[str, str] = {}
    freed = 0

    class Lock(contextlib.AbstractContextManager[None]):
        def __init__(self, held: contextlib.AbstractContextManager[None]) -> None:
            self.held = held

        def __enter__(self) -> None:
            self.held.__enter__()

        def __exit__(self, *how: Any) -> None:
            nonlocal freed
            self.held.__exit__(*how)
            freed += 1
            if freed == number:
                answers["second"] = said(world, second)

    real = FakeFiles.lock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeFiles, "lock", lambda self, *args, **how: Lock(real(self, *args, **how)))
        answers["first"] = said(world, first)
    return ((answers["first"], answers["second"]), left(world)) if "second" in answers else None


def orders(start: str, first: str, second: str) -> Iterator[Found]:
    yield in_order(start, first, second)
    (later, sooner), state = in_order(start, second, first)
    yield (sooner, later), state
    for one, other, turned in ((first, second, False), (second, first, True)):
        for number in (1, 2, 3) if one in IN_PARTS else ():
            between = in_between(start, one, other, number)
            if between is not None:
                yield (between[0][::-1], between[1]) if turned else between


class Beside(list[str]):
    """`World.steps` that start a second command right before the step of that number, and go on once it waits or is over.

    `unlocked`: the changes that somebody made who did not hold the project's lock.
    """

    def __init__(self, world: World, number: int, work: Callable[[], None]) -> None:
        super().__init__()
        self.world, self.number, self.work = world, number, work
        self.thread: threading.Thread | None = None
        self.main = threading.current_thread()
        self.unlocked: list[str] = []

    def append(self, name: str) -> None:
        super().append(name)
        holder, now = self.world.held.get(self.world.lock_file), threading.current_thread()
        of_a_command = now in (
            self.main,
            self.thread,
        )  # else one of the product's, which works for who holds the lock
        if holder is None or (of_a_command and holder.thread is not now):
            self.unlocked.append(name)
        if len(self) != self.number or self.thread is not None:
            return
        before = len(self.world.waited)
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        deadline = time.monotonic() + 60
        while self.thread.is_alive() and len(self.world.waited) == before:
            assert time.monotonic() < deadline
            time.sleep(0.0005)


def at_once(start: str, first: str, second: str, number: int) -> tuple[Found, list[str]] | None:
    """`second` begins while `first` is running; None where that has no step of this number. And what was changed unlocked."""
    world = STARTS[start]()
    answers: dict[str, str] = {}

    def work() -> None:
        answers["second"] = said(world, second)

    beside = Beside(world, number, work)
    world.steps = beside
    answers["first"] = said(world, first)
    if beside.thread is None:
        return None
    beside.thread.join(60)
    assert not beside.thread.is_alive()
    assert world.lock_file not in world.held
    return ((answers["first"], answers["second"]), left(world)), beside.unlocked


def lock_of_all_but(unlocked: str) -> Callable[..., contextlib.AbstractContextManager[None]]:
    real = FakeFiles.lock

    def lock(
        self: FakeFiles, root: Path, *, command: str, **how: Any
    ) -> contextlib.AbstractContextManager[None]:
        free = contextlib.nullcontext()
        return free if command == unlocked else real(self, root, command=command, **how)

    return lock


def faults(start: str, first: str, second: str, *, unlocked: str = "") -> list[str]:
    """How far these two, at the same time, differ from one after the other. `unlocked`: a command that takes no lock, by the
    name that it has there."""
    with pytest.MonkeyPatch.context() as patch:
        if unlocked:
            patch.setattr(FakeFiles, "lock", lock_of_all_but(unlocked))
        ran = at_once(start, first, second, 3) or at_once(start, first, second, 1)
    if ran is None:
        return []
    found, steps = ran
    pair = f"{first}, and {second} while it is running"
    told = [f"{pair}: {step} without the lock" for step in steps]
    return (
        told if any(found == order for order in orders(start, first, second)) else [*told, f"{pair}: {found}"]
    )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("first", COMMANDS)
def test_each_pair_is_one_after_the_other(start: str, first: str) -> None:
    seconds = spread(COMMANDS, list(COMMANDS).index(first) + list(STARTS).index(start))
    assert [fault for second in seconds for fault in faults(start, first, second)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_takes_no_lock_is_noticed(name: str) -> None:
    """Else the test above would prove nothing."""
    others = [other for other in COMMANDS if locks_as(other) != locks_as(name)]
    assert any(faults(start, other, name, unlocked=locks_as(name)) for start in STARTS for other in others)


def test_down_during_an_up_removes_what_comes_up() -> None:
    found = at_once("nothing", "up", "down", 2)
    assert found is not None
    (answers, (containers, *_)), _ = found
    assert "removed container shop-api-N" in answers[1]
    assert containers == []


def test_ctrl_c_while_production_takes_over_leaves_it() -> None:
    found = at_once("in dev", "prod-preview", "ctrl-c", 3)
    assert found is not None
    assert found[0][0][1].startswith("left running: api in production mode")


def test_who_waits_is_told_as_a_step_with_the_holder_in_it() -> None:
    world = in_dev()
    world.hold_lock("up", pid=7, until=world.now + 5)
    said(world, "down")
    told = [e for e in world.events if isinstance(e, Remark) and "waiting" in e.text]
    assert [e.text for e in told] == ["waiting for `devctl up` (pid 7, since 12:00:00)"]
    steps = [e for e in world.events if isinstance(e, StepStarted | StepDone) and e.step == "wait"]
    assert [type(e) for e in steps] == [StepStarted, StepDone]


@pytest.mark.follows("devctl down --volumes asks again")
def test_volumes_that_appear_after_the_question_are_not_removed(
    monkeypatch: pytest.MonkeyPatch, hinted: Callable[[str], str]
) -> None:
    world = in_dev()
    world.agrees = True
    box = world.box()
    monkeypatch.setattr("tests.fakes.FakeHost.confirm", lambda self, question: up_with_more(world) or True)

    def up_with_more(world: World) -> None:
        world.compose(
            {**SHOP, "cache": {"image": "redis:7", "volumes": ["more:/data"]}}, volumes=["data", "more"]
        )
        up_d(world, world.box())

    with pytest.raises(DevctlError) as caught:
        down(DownRequest(project=world.root, volumes=True), box)
    assert caught.value.code == "consent-missing"
    assert "shop_more" in str(caught.value)
    assert {"shop_data", "shop_more"} <= set(world.volumes)
    assert world.containers
    assert hinted(caught.value.problem.hint) == "devctl down --volumes asks again"
    asked = list[str]()
    monkeypatch.setattr("tests.fakes.FakeHost.confirm", lambda self, question: asked.append(question) or True)
    down(DownRequest(project=world.root, volumes=True), world.box())
    assert "shop_more" in asked[0] and not world.containers and "shop_more" not in world.volumes
