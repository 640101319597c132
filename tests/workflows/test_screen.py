"""The keys of a foreground `up`, in the world in memory: which command each runs, what is refused meanwhile, how it ends."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import (
    ActionFailed,
    Doing,
    Filtered,
    GoTested,
    Outcome,
    Ready,
    Remark,
    Seen,
)
from devctl.domain.command.requests import PreviewRequest, UpRequest
from devctl.errors import InterruptedByUser
from devctl.workflows.dev import up as detached_up
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.screen import foreground
from tests.fakes import FakeClock, World


class Pressing(FakeClock):
    """Presses the next of `keys` whenever the foreground is idle: before each look whether to end."""

    def __init__(self, world: World, keys: str) -> None:
        super().__init__(world)
        self._keys, self._idle = list(keys), 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        idle = seconds == foreground.TICK and threading.current_thread() is threading.main_thread()
        if idle and doing(self._world) == "":
            self._idle += 1
            assert self._idle < 100, "no key has ended it"
            if self._keys:
                self._world.press(self._keys.pop(0))


def doing(world: World) -> str:
    return next((e.what for e in reversed(world.events) if isinstance(e, Doing)), "")


def foreground_up(world: World, keys: str, **request: Any) -> Outcome:
    """`devctl up`, and these keys one after the other; the last of them has to end it."""
    world.agrees = True
    box = replace(world.box(), clock=Pressing(world, keys))
    return foreground.up(UpRequest(project=world.root, watch=False, **request), box)


def modes(world: World) -> list[str]:
    """The mode after `up` and after each key."""
    return [e.mode for e in world.events if isinstance(e, Seen) and e.serving is not None]


def remarks(world: World) -> list[str]:
    return [e.text for e in world.events if isinstance(e, Remark)]


def done(world: World) -> list[str]:
    return [e.what for e in world.events if isinstance(e, Doing) and e.what]


def state(world: World) -> tuple[str, str]:
    container = world.container
    assert container is not None
    return container.labels["dev.devctl.mode"], container.state


def test_production_and_back_to_dev_and_quit() -> None:
    world = World()
    ended = foreground_up(world, "pbq")
    assert done(world) == ["prod-preview", "up", "stopping"]
    assert modes(world) == ["dev", "prod", "dev"]
    assert (ended.exit_code, ended.text) == (0, "stopped; devctl up starts again, devctl down removes")
    assert state(world) == ("dev", "exited")
    told = [e.text for e in world.events if isinstance(e, Ready)]
    assert len(told) == 3 and told[1].startswith("production preview serves on")
    assert told[1].endswith("\nback to dev: press b")


def test_quit_stops_the_production_that_its_own_key_started() -> None:
    world = World()
    assert foreground_up(world, "pq").text.startswith("stopped;")
    assert state(world) == ("prod", "exited")


def test_quit_leaves_the_production_of_another_command_running(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    press = Pressing.sleep

    def sleep(self: Pressing, seconds: float) -> None:
        if seconds == foreground.TICK and len(self._keys) == 1:
            prod_preview(PreviewRequest(project=world.root), world.box())
        press(self, seconds)

    monkeypatch.setattr(Pressing, "sleep", sleep)
    ended = foreground_up(world, "q")
    assert ended.text.startswith("left running: shop in production mode")
    assert state(world) == ("prod", "running")


@pytest.mark.parametrize("keys", ["d", "pd"])
def test_detach_leaves_it_running_in_its_mode(keys: str) -> None:
    world = World()
    ended = foreground_up(world, keys)
    assert (ended.exit_code, ended.text.partition(";")[0]) == (0, "detached")
    assert state(world) == ("prod" if "p" in keys else "dev", "running")


def test_when_nobody_reads_the_output_it_leaves_everything_running() -> None:
    world = World()
    world.reader_left = True
    ended = foreground_up(world, "")
    assert (ended.exit_code, ended.text.partition(";")[0]) == (0, "detached")
    assert state(world) == ("dev", "running")


def test_a_rebuild_makes_a_new_image() -> None:
    world = World()
    foreground_up(world, "rd")
    assert done(world) == ["rebuild", "detaching"]
    assert [step for step in world.steps if step.startswith("build")] == ["build shop", "build shop #2"]


@pytest.mark.parametrize(("code", "said"), [(0, "pass"), (1, "fail")])
def test_tests_run_in_the_container_and_their_result_is_kept(code: int, said: str) -> None:
    world, asked = World(), list[list[str]]()

    def tested(words: list[str]) -> tuple[int, list[str]]:
        asked.append(words)
        heard = {"Package": "example.com/shop", "Test": "TestSum"}
        return code, [
            json.dumps({**heard, "Action": "run"}),
            json.dumps({**heard, "Action": said, "Elapsed": 0.1}),
        ]

    world.go_test = tested
    foreground_up(world, "td")
    assert [words[-1] for words in asked] == ["./..."]
    assert [e.ok for e in world.events if isinstance(e, GoTested)] == [code == 0]
    assert done(world) == ["test", "detaching"]


def test_a_failure_is_reported_and_dev_keeps_serving() -> None:
    world = World()
    world.image_facts = {"binary": None}
    ended = foreground_up(world, "pd")
    failed = [e.error for e in world.events if isinstance(e, ActionFailed)]
    assert len(failed) == 1 and failed[0].problem.hint
    assert doing(world) == "detaching" and ended.exit_code == 0
    assert state(world) == ("dev", "running")


def test_in_production_what_needs_dev_says_what_to_press() -> None:
    world = World()
    foreground_up(world, "prtd")
    assert done(world) == ["prod-preview", "detaching"]
    assert [text for text in remarks(world) if "press b" in text] == [
        "rebuild needs dev mode, but production is running: press b to go back to dev first",
        "test needs dev mode, but production is running: press b to go back to dev first",
    ]


def during_the_build(world: World, keys: str) -> None:
    """Press these keys while the first image for production is built."""
    before = world.steps
    left = [*keys]

    class Steps(list[str]):
        def append(self, step: str) -> None:
            super().append(step)
            while left and step.startswith("build") and doing(world) == "prod-preview":
                world.press(left.pop(0))

    world.steps = Steps(before)


def test_during_work_another_key_is_refused_and_detaching_waits() -> None:
    world = World()
    during_the_build(world, "rld")
    ended = foreground_up(world, "p")
    assert done(world) == ["prod-preview", "detaching"]
    assert "prod-preview is still running: press r again when it is done" in remarks(world)
    assert "detaching when prod-preview is done" in remarks(world)
    assert ended.text.startswith("detached") and state(world) == ("prod", "running")


def test_quit_interrupts_the_work_and_stops_the_services() -> None:
    world = World()
    during_the_build(world, "q")
    ended = foreground_up(world, "p")
    assert ended.exit_code == 0 and ended.text.startswith("stopped;")
    assert state(world) == ("dev", "exited")


def test_quit_while_the_new_production_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C there ends a call of docker, which is an error like any other for whoever called it."""
    world, look = World(), foreground.own_containers

    def interrupted(*args: Any) -> Any:
        if doing(world) == "prod-preview" and threading.current_thread() is threading.main_thread():
            with pytest.raises(KeyboardInterrupt):
                world.press("q")
            raise InterruptedByUser
        return look(*args)

    monkeypatch.setattr(foreground, "own_containers", interrupted)
    ended = foreground_up(world, "p")
    assert done(world) == ["prod-preview", "stopping"] and doing(world) == "stopping"
    assert ended.text.startswith("stopped;") and state(world) == ("prod", "exited")


def test_quit_is_not_lost_where_an_interrupt_is(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    box = world.box()
    monkeypatch.setattr(type(box.terminal), "interrupt", lambda self: None)
    assert foreground_up(world, "q").text.startswith("stopped;")


def test_the_log_of_one_service_after_the_other() -> None:
    world = World()
    world.compose({"api": {"build": "."}, "db": {"image": "postgres:17"}})
    foreground_up(world, "llld")
    assert [e.service for e in world.events if isinstance(e, Filtered)] == ["api", "db", ""]


def test_with_one_service_there_is_no_log_to_choose() -> None:
    world = World()
    foreground_up(world, "ld")
    assert not [e for e in world.events if isinstance(e, Filtered)]
    assert "there is only one service, and its log is shown" in remarks(world)


@pytest.mark.parametrize("browser", [True, False])
def test_the_address_is_opened_or_printed(browser: bool) -> None:
    world = World()
    world.has_browser = browser
    foreground_up(world, "od", open=True)
    assert world.opened == ["http://127.0.0.1:8080"] * 2, "once for --open, once for the key"
    said = "opened http://127.0.0.1:8080" if browser else "no browser here: open http://127.0.0.1:8080"
    assert len([text for text in remarks(world) if text.startswith(said)]) == 2


def test_in_the_background_it_is_opened_once_it_answers_and_when_nothing_is_to_be_done() -> None:
    world = World()
    request = UpRequest(project=world.root, detach=True, open=True)
    for many in (1, 2):
        detached_up.up(request, world.box())
        assert world.opened == ["http://127.0.0.1:8080"] * many
    detached_up.up(replace(request, dry_run=True), world.box())
    assert len(world.opened) == 2


def test_the_help_names_every_key_and_an_unknown_one_does_nothing() -> None:
    world = World()
    foreground_up(world, "X?d")
    assert sum(text.startswith("keys\n") for text in remarks(world)) == 1
    assert done(world) == ["detaching"]


def test_with_json_no_key_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.agrees = True
    monkeypatch.setattr(foreground._Foreground, "act", lambda self: self.box.terminal.interrupt())
    ended = foreground.up(UpRequest(project=world.root, watch=False, json=True), world.box())
    assert ended.text.startswith("stopped;")
    assert remarks(world)[0] == "Ctrl-C stops"
    with pytest.raises(AssertionError, match="nobody hears"):
        world.press("d")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_was_deleted_is_taken_again_where_the_project_is_the_same(
    monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """With `.devctl/`, which may be deleted at any time."""
    world = World()
    world.agrees = True
    lock, acts = world.root / ".devctl/watcher.lock", list[bool]()

    def act(self: foreground._Foreground) -> None:
        acts.append(lock in world.held)
        if len(acts) == 2:
            del world.held[lock]
            world.folder = "another" if replaced else world.folder
        if len(acts) == 4:
            self.box.terminal.interrupt()

    monkeypatch.setattr(foreground._Foreground, "act", act)
    ended = foreground.up(UpRequest(project=world.root, watch=False, json=True), world.box())
    assert acts == [True] * (2 if replaced else 4)
    assert ended.text.startswith("stopped;")


def test_what_is_saved_as_soon_as_it_is_ready_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    world, told, ready = World(), list[float](), list[float]()
    real = foreground.holding

    def slowly(*args: Any) -> Any:
        ready.append(world.now)
        world.now += 5
        return real(*args)

    def watch(*_: Any, **how: Any) -> None:
        told.append(how["since"])

    monkeypatch.setattr(foreground, "holding", slowly)
    monkeypatch.setattr(foreground, "watch", watch)
    world.agrees = True
    box = replace(world.box(), clock=Pressing(world, "d"))
    foreground.up(UpRequest(project=world.root), box)
    assert told == ready
