"""Which process is stopped as the watcher: never one that a file of the project names."""

from __future__ import annotations

import json

import pytest

from devctl.domain.command.requests import StatusRequest
from devctl.domain.plan.engine_state import MACHINE_LABEL, TEMPORARY_LABEL
from devctl.workflows.logs.status_and_logs import status
from devctl.workflows.project.load import load
from devctl.workflows.state.watcher_process import ensure_watcher, stop_watcher, watcher_state
from tests.fakes import FakeClock, FakeProcesses, Holding, World


def test_the_watcher_that_was_started_is_ended() -> None:
    world = World()
    box = world.box()
    project = load(box, world.root)
    assert ensure_watcher(box, project).pid == world.watcher
    stop_watcher(box, project)
    assert world.watcher is None


def starting(monkeypatch: pytest.MonkeyPatch, world: World, *, lives: float, locks: float) -> float:
    """How long a watcher is waited for that lives so many seconds, and holds its lock after so many."""
    box, began = world.box(), world.now
    spawn, watcher = FakeProcesses.spawn, list[int]()
    monkeypatch.setattr(FakeProcesses, "spawn", lambda *args, **how: watcher.append(4711) or 4711)
    monkeypatch.setattr(FakeProcesses, "ended", lambda self, pid: world.now - began >= lives)
    sleep = FakeClock.sleep

    def later(clock: FakeClock, seconds: float) -> None:
        sleep(clock, seconds)
        if world.now - began >= locks and world.watcher is None:
            spawn(box.processes, ["watch-daemon"], cwd=world.root, out=0, err=0)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeClock, "sleep", later)
    found = ensure_watcher(box, load(box, world.root))
    assert watcher == [4711] and (found.state == "running") == (locks < lives)
    return world.now - began


def test_a_watcher_that_starts_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert starting(monkeypatch, World(), lives=3600, locks=30) == pytest.approx(30, abs=1)


def test_one_that_has_exited_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert starting(monkeypatch, World(), lives=2, locks=3600) == pytest.approx(2, abs=1)


@pytest.mark.parametrize(
    "noted",
    [None, "no JSON", {MACHINE_LABEL: "elsewhere", TEMPORARY_LABEL: "4711-1"}, {TEMPORARY_LABEL: "x"}],
    ids=str,
)
def test_a_pid_that_a_container_wrote_is_told_nothing(noted: object) -> None:
    """Code in the dev container holds the lock of the watcher, and its file names another process of the user."""
    world = World()
    box = world.box()
    project = load(box, world.root)
    lock = world.root / ".devctl" / "watcher.lock"
    world.held[lock] = Holding("watch", 4711)
    world.files[lock] = "4711"
    if noted is not None:
        world.private[world.root, "watcher.json"] = noted if isinstance(noted, str) else json.dumps(noted)
    stop_watcher(box, project)
    assert world.held[lock].pid == 4711
    assert [w.code for w in world.warnings] == ["watcher-left"]


@pytest.mark.parametrize("text", ["9" * 5000, "²", "-1", "12 34", "x", "", "1\n2"])
def test_a_pid_that_is_none_is_not_shown(text: str) -> None:
    world = World()
    project = load(world.box(), world.root)
    lock = world.root / ".devctl" / "watcher.lock"
    world.held[lock] = Holding("watch", 4711)
    world.files[lock] = text
    state = watcher_state(world.box(), project.root)
    assert (state.state, state.pid) == ("running", None)
    shown = status(StatusRequest(project=world.root), world.box()).text
    assert "watcher running\n" in f"{shown}\n".replace("\n  ", "\n")


def test_the_pid_is_that_of_the_watcher_that_was_started_whatever_its_file_says() -> None:
    world = World()
    project = load(world.box(), world.root)
    ensure_watcher(world.box(), project)
    world.files[world.root / ".devctl" / "watcher.lock"] = "1"
    assert watcher_state(world.box(), project.root).pid == world.watcher
