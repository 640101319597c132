"""The transaction and the watcher's round, fault by fault, against the fake world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.command.events import DepsChanged, DepsFailed, DepsRebuilt
from devctl.domain.command.requests import UpRequest
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, InterruptedByUser, MachineError, ProjectError
from devctl.workflows.dev import replace
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.dev.replace import Superseded
from devctl.workflows.dev.watch_round import catch_up, current
from devctl.workflows.project.load import load
from devctl.workflows.state.snapshot import snapshot
from tests.fakes import World, go_mod
from tests.workflows.test_unreached import LISTENING


class Running:
    """A project that is up, and rounds of its watcher."""

    def __init__(self, *, containerd_store: bool = False) -> None:
        self.world = World()
        self.world.containerd_store = containerd_store
        self.box = self.world.box()
        self.up()
        self.known = load(self.box, self.world.root)
        self.first = self.world.container
        self.world.events.clear()
        self.world.calls.clear()

    def up(self) -> None:
        up(UpRequest(project=self.world.root, detach=True, watch=False), self.box)

    @property
    def project(self) -> Project:
        return load(self.box, self.world.root, lenient=True)

    def round(self, fault: str = "") -> bool:
        self.world.fault = fault
        self.known, failed = catch_up(self.box, self.known)
        return failed

    def told(self, kind: type) -> list[object]:
        return [e for e in self.world.events if isinstance(e, kind)]

    @property
    def reason(self) -> str | None:
        return snapshot(self.box, self.project).serving.reason


@pytest.fixture(params=[False, True], ids=["classic-store", "containerd-store"])
def running(request: pytest.FixtureRequest) -> Running:
    return Running(containerd_store=request.param)


def test_nothing_to_do_asks_compose_for_nothing(running: Running) -> None:
    running.world.save("go.mod", go_mod(word="// a comment"))
    assert running.round() is False
    assert running.world.calls == []
    assert running.world.container is running.first


def test_a_save_while_nothing_had_to_be_done_is_the_next_change(running: Running) -> None:
    """A round that finds nothing to do notes what it has read, not what is there by then."""
    project = load(running.box, running.world.root)
    running.world.save("go.mod", go_mod("a"))
    current(running.box, project, project.services[0])
    running.round()
    (changed,) = running.told(DepsChanged)
    assert isinstance(changed, DepsChanged)
    assert [c.text for c in changed.changes] == ["+ example.com/a v1.0.0"]


def test_a_change_is_built_and_proven_before_the_container_is_touched(running: Running) -> None:
    running.world.save("go.mod", go_mod("a"))
    assert running.round() is False
    assert set(running.world.calls[:2]) == {"build", "prove"}
    assert running.world.calls[2:] == ["up"]
    changed = running.told(DepsChanged)[0]
    assert isinstance(changed, DepsChanged)
    assert [c.text for c in changed.changes] == ["+ example.com/a v1.0.0"]
    assert len(running.told(DepsRebuilt)) == 1
    assert running.world.served == (go_mod("a"), "v1")
    assert len(running.world.images) == 1  # what was superseded is gone


@pytest.mark.parametrize("fault", ["build-fails", "start-fails", "never-answers", "unhealthy", "exits"])
def test_what_fails_leaves_the_old_one_serving_and_says_why(running: Running, fault: str) -> None:
    running.world.save("go.mod", go_mod("a"))
    assert running.round(fault) is True
    if fault == "build-fails":  # the code compiles, so the old container serves it
        assert running.world.container is running.first
    else:
        assert running.world.served == (go_mod(), "v1")
    assert len(running.told(DepsFailed)) == 1
    assert snapshot(running.box, running.project).serving.state == "old"
    assert running.reason
    assert len(running.world.images) == 1
    assert running.round() is False  # the next good round fixes it
    assert running.world.served == (go_mod("a"), "v1")
    assert running.reason is None


def test_code_that_does_not_compile_with_it_never_reaches_the_container(running: Running) -> None:
    running.world.save("main.go", "v2 b")
    running.world.save("go.mod", go_mod("a"))
    assert running.round() is True
    assert "up" not in running.world.calls
    assert running.world.container is running.first
    assert "does not compile" in str(running.reason)


def test_new_settings_take_nothing_away_that_serves_while_the_code_does_not_compile() -> None:
    def level(word: str) -> None:
        ports = ["8080:8080"]
        world.compose({"shop": {"build": ".", "ports": ports, "environment": {"LEVEL": word}}})

    world = World()
    box = world.box()
    level("info")
    up(UpRequest(project=world.root, detach=True, watch=False), box)
    known, first = load(box, world.root), world.of("shop")
    world.save_source("v2 b")
    level("debug")
    known, failed = catch_up(box, known)
    assert (failed, world.of("shop"), first.app) == (True, first, (go_mod(), "v1"))
    with pytest.raises(ProjectError, match="does not compile"):
        up(UpRequest(project=world.root, detach=True, watch=False), box)
    assert (world.of("shop"), first.app) == (first, (go_mod(), "v1"))
    world.save_source("v3")
    assert catch_up(box, known)[1] is False
    assert (world.of("shop") is first, world.of("shop").app) == (False, (go_mod(), "v3"))


def test_a_name_left_by_an_aborted_recreate_is_healed(running: Running) -> None:
    running.world.save("go.mod", go_mod("a"))
    assert running.round("name-conflict") is False
    assert running.world.served == (go_mod("a"), "v1")


@pytest.mark.parametrize(
    "fault", ["interrupt-build", "interrupt-before-start", "interrupt-after-start", "interrupt-twice"]
)
def test_an_interruption_is_passed_on_and_leaves_something_that_serves(running: Running, fault: str) -> None:
    running.world.save("go.mod", go_mod("a"))
    with pytest.raises(InterruptedByUser):
        running.round(fault)
    if fault == "interrupt-build":  # the code compiles, so the old container serves it
        assert running.world.container is running.first
    else:
        assert running.world.served == (go_mod(), "v1")
    assert running.told(DepsFailed) == []
    running.round()
    assert running.world.served == (go_mod("a"), "v1")


@pytest.mark.parametrize("fault", ["gone-at-build", "gone-at-start"])
def test_an_engine_that_went_away_is_not_the_projects_failure(running: Running, fault: str) -> None:
    running.world.save("go.mod", go_mod("a"))
    with pytest.raises(MachineError) as caught:
        running.round(fault)
    assert caught.value.code == "engine-unreachable"
    assert running.told(DepsFailed) == []
    assert running.round() is False
    assert running.world.served == (go_mod("a"), "v1")


@pytest.mark.follows("devctl up again")
def test_files_that_move_on_during_a_build_are_not_brought_in_as_a_mixture(
    running: Running, hinted: Callable[[str], str]
) -> None:
    running.world.save("go.mod", go_mod("a"))
    with pytest.raises(Superseded) as raised:
        running.round("edit-before-read")
    assert running.world.container is running.first
    assert hinted(raised.value.problem.hint).startswith("devctl up ")
    running.up()
    assert running.world.served == (running.world.mod, "v1")


@pytest.mark.parametrize("mod", [go_mod(word="require ("), "", None])
def test_a_go_mod_that_says_nothing_is_told_and_nothing_is_built(running: Running, mod: str | None) -> None:
    running.world.save("go.mod", mod)
    assert running.round() is True
    assert running.world.calls == []
    assert running.world.container is running.first
    assert snapshot(running.box, running.project).serving.state == "old"
    running.world.save("go.mod", go_mod())
    assert running.round() is False
    assert running.reason is None


def test_a_save_that_a_broken_go_mod_spoilt_is_built_once_go_mod_is_fixed(running: Running) -> None:
    running.world.save("go.mod", go_mod(word="require ("))
    running.world.save_source("v2")
    running.round()
    assert running.world.served == (go_mod(), "v1")
    running.world.save("go.mod", go_mod())
    running.round()
    assert running.world.served == (go_mod(), "v2")


def test_up_replaces_what_runs_by_the_same_transaction(running: Running) -> None:
    running.world.save("go.mod", go_mod("a", "missing"))
    with pytest.raises(ProjectError):
        running.up()
    assert running.world.served == (go_mod(), "v1")
    running.world.save("go.mod", go_mod("a"))
    running.up()
    assert running.world.served == (go_mod("a"), "v1")
    assert running.reason is None


def test_up_on_code_that_does_not_compile_is_not_a_success_the_second_time_either() -> None:
    world = World()
    world.save("main.go", "v1 a")
    for _ in range(2):
        with pytest.raises(DevctlError) as caught:
            up(UpRequest(project=world.root, detach=True, watch=False), world.box())
        assert caught.value.code == "does-not-compile"
    world.save("go.mod", go_mod("a"))
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    assert world.served == (go_mod("a"), "v1 a")


def test_what_does_not_run_in_dev_mode_is_left_alone(running: Running) -> None:
    assert running.first is not None
    running.first.spec["labels"]["dev.devctl.mode"] = "prod"
    running.world.save("go.mod", go_mod("a"))
    assert running.round() is False
    assert running.world.calls == []


def test_what_the_old_one_listens_on_is_asked_when_the_build_is_over(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reloaded meanwhile, and a helper's new port is not a reason to give up on its successor."""
    assert running.first is not None
    running.first.build_state = LISTENING.format(host="00000000", port=8080)
    build, wait_ready, told = replace.build, replace.wait_ready, list[frozenset[int]]()

    def built(*args: Any, **how: Any) -> None:
        build(*args, **how)
        assert running.first is not None
        running.first.build_state = LISTENING.format(host="00000000", port=6060)

    def waited(*args: Any, served: frozenset[int], **how: Any) -> None:
        told.append(served)
        wait_ready(*args, served=served, **how)

    monkeypatch.setattr(replace, "build", built)
    monkeypatch.setattr(replace, "wait_ready", waited)
    running.world.save("go.mod", go_mod("a"))
    assert running.round() is False
    assert told == [{6060}]
