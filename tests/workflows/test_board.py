"""The data of the full view, from the world in memory: what it knows, when it is updated, and that it changes nothing."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.board.history import Moment
from devctl.domain.board.view import Board, BoardLine, Look
from devctl.domain.command.event_json import event_json
from devctl.domain.command.events import DepsFailed, Event, Happened, LogLine, Recorded, Reload
from devctl.domain.command.requests import (
    BoardRequest,
    DownRequest,
    LogsRequest,
    PreviewRequest,
    StatusRequest,
    UpRequest,
)
from devctl.domain.plan.engine_state import Observed
from devctl.domain.preview.last_preview import LastPreview, PreviewedImage
from devctl.domain.project.state_folder import EVENTS
from devctl.errors import DevctlError, MachineError, UsageError
from devctl.workflows.board import observed as module
from devctl.workflows.board.board import plan_board, refuse_pointless, serve_board, show_board
from devctl.workflows.board.observed import ObservedProject, observing
from devctl.workflows.dev import watch
from devctl.workflows.dev.lifecycle import down, up
from devctl.workflows.logs.status_and_logs import logs, status
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from devctl.workflows.state.record_event import record
from tests.fakes import FakeEngine, World, go_mod
from tests.ui.board_samples import NOON


def running() -> World:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.events.clear()
    return world


def attached(world: World) -> ObservedProject:
    box = world.box()
    return ObservedProject(box, load(box, world.root))


def line(at: str, name: str, **keys: object) -> str:
    return json.dumps({"type": "event", "name": name, "at": at, **keys}) + "\n"


def test_a_snapshot_shows_what_status_reports() -> None:
    view = attached(running()).view()
    assert (view.project, view.state.mode, view.state.serving.state) == ("shop", "dev", "current")
    assert [(s.name, s.state) for s in view.state.services] == [("shop", "running")]
    assert (view.moments, view.go_mod, view.preview, view.trouble) == ((), None, None, "")


def test_it_changes_nothing() -> None:
    world = running()
    world.steps.clear()
    before = dict(world.files)
    board = attached(world)
    board.look()
    assert (world.steps, dict(world.files), world.events) == ([], before, [])


def test_what_was_reported_before_is_in_the_chart_once() -> None:
    world = running()
    world.save(
        f".devctl/{EVENTS}",
        line("2026-12-01T12:00:00.000Z", "reload", service="shop", ok=True, ms=430, message="")
        + line("2026-12-01T12:00:09.000Z", "deps.changed", service="shop", changes=[])
        + line("2026-12-01T12:00:12.000Z", "deps.rebuilt", service="shop", ms=2500, debugger=None)
        + "nonsense\n",
    )
    with observing(box := world.box(), load(box, world.root)) as board:
        until(lambda: len(board.view().moments) == 2)
        # The log shows the same reload, which the watcher measured.
        board.hear(Happened("shop", "reloaded", ms=300, at=round(NOON)))
        assert [(m.kind, m.ms) for m in board.look().moments] == [("reload", 430), ("deps", 2500)]
        assert [said.text for said in board.new_lines() if said.kind == "good"] == ["reloaded in 0.30 s"]
        board.hear(Reload("shop", ok=False, ms=20, message="main.go:1:1: no"))
        assert board.look().moments[-1].text == "main.go:1:1: no"
        found = board.look().go_mod
        assert found is not None and found.outcome == Moment(NOON + 12, "deps", "shop", True, 2500)
        # After the engine was away the same file is read again.
        board.remember([(NOON, Reload("shop", ok=True, ms=430)), (NOON * 2, DepsFailed("shop", "no"))])
        assert [m.ok for m in board.look().moments] == [True, True, False, False]


def test_lines_come_once_and_without_those_of_a_build() -> None:
    board = attached(running())
    board.hear(LogLine("shop", "stdout", "listening"))
    board.hear(LogLine("shop", "build", "go build"))
    board.hear(Happened("shop", "exited", "2"))
    board.hear(Reload("shop", ok=True, ms=430))
    assert list(board.new_lines()) == [
        BoardLine("shop", "stdout", "listening"),
        BoardLine("shop", "bad", "exited with code 2"),
        BoardLine("shop", "good", "reloaded in 0.43 s"),
    ]
    assert list(board.new_lines()) == []


def test_a_file_that_changes_is_read_again_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    world, read = running(), list[str]()
    monkeypatch.setattr(module, "load", lambda *given, **how: read.append("load") or load(*given, **how))
    monkeypatch.setattr(module, "differs_from_disk", lambda *given: read.append("disk") and None)
    board = attached(world)
    board.look()
    board.look()
    assert read == ["disk"]
    world.save("go.mod", go_mod("uuid"))
    board.look()
    board.look()
    assert read == ["disk", "load", "disk"]


def test_a_changed_go_mod_is_shown_as_waiting() -> None:
    world = running()
    board = attached(world)
    world.save("go.mod", go_mod("uuid"))
    serving = board.look().state.serving
    assert (serving.state, serving.reason) == ("old", "shop: dependencies changed; `devctl up` applies it")


def test_a_preview_is_recorded_whether_it_serves_or_not() -> None:
    world = running()
    prod_preview(PreviewRequest(project=world.root), world.box())
    view = attached(world).look()
    note = view.preview
    assert note is not None and view.state.mode == "prod"
    assert [type(i) for i in note.images] == [PreviewedImage] and note.images[0].size_bytes > 0
    assert note.checks and note.failed == "" and note.switch_ms is not None

    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.fault = "never-answers"
    with pytest.raises(DevctlError) as raised:
        prod_preview(PreviewRequest(project=world.root, timeout=1), world.box())
    failed = world.box().private.note(world.root, LastPreview)
    assert failed.failed == raised.value.problem.message
    assert failed.checks


def test_a_switch_is_shown_to_followers() -> None:
    world = running()
    prod_preview(PreviewRequest(project=world.root), world.box())
    world.events.clear()
    logs(LogsRequest(project=world.root, json=True), world.box())
    told = [json.loads(e.line) for e in world.events if isinstance(e, Recorded)]
    assert [(e["name"], e["from"], e["to"]) for e in told] == [("switch", "dev", "prod")]


def test_a_watcher_of_the_foreground_records_and_that_of_the_background_does_not_twice() -> None:
    for recorded in (False, True):
        world = running()
        world.save(f".devctl/{EVENTS}", "of the watcher before\n")
        box = world.box()
        told: list[Event] = []

        def say(known: watch._Watching, stop: Callable[[], bool]) -> None:
            known.box.reporter.emit(Reload("shop", ok=True, ms=430))
            known.box.reporter.emit(LogLine("shop", "build", "go build"))

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(watch._Watching, "until_paths_change", say)
            rounds = iter((False, True))
            watch.watch(box, load(box, world.root), stop=lambda: next(rounds), recorded=recorded)  # noqa: B023
        told = [e for e in world.events if isinstance(e, Reload)]
        assert told == [Reload("shop", ok=True, ms=430)]
        text = world.files[world.root / ".devctl" / EVENTS]
        if recorded:
            assert text == "of the watcher before\n"
        else:
            lines = [json.loads(row) for row in text.splitlines()]
            assert [(e["name"], e["ms"]) for e in lines] == [("reload", 430)]


def test_a_planted_file_of_events_does_no_harm() -> None:
    world = running()
    world.planted.add(EVENTS)
    record(world.box(), world.root, Reload("shop", ok=True, ms=1))
    assert [w.code for w in world.warnings] == ["state-folder-unsafe"]


def test_the_engine_goes_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    world, away = running(), threading.Event()
    containers = FakeEngine.containers

    def asked(engine: FakeEngine, project: str) -> Observed:
        if away.is_set():
            raise MachineError("the engine does not answer", code="engine-unreachable", hint="devctl doctor")
        return containers(engine, project)

    monkeypatch.setattr(FakeEngine, "containers", asked)
    before = threading.active_count()
    with observing(box := world.box(), load(box, world.root)) as board:
        away.set()
        until(lambda: board.view().trouble == "the engine does not answer")
        assert board.view().state.mode == "dev", "the last that was seen"
        away.clear()
        until(lambda: not board.view().trouble)
    assert threading.active_count() == before


def test_a_bug_in_a_thread_ends_the_view_and_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    world = running()
    box = world.box()
    with pytest.raises(ZeroDivisionError), observing(box, load(box, world.root)) as board:
        monkeypatch.setattr(board, "look", lambda: 1 / 0)
        board.hear(Reload("shop", ok=True, ms=1))
        until(board.broken)


@pytest.mark.follows(
    "devctl status --json shows the same once, devctl logs -f --json follows it; devctl ui --web is for a browser"
)
def test_the_ways_without_a_terminal_are_named(hinted: Callable[[str], str]) -> None:
    world = running()
    with pytest.raises(UsageError) as raised:
        refuse_pointless(BoardRequest(project=world.root), world.box().host)
    said = hinted(raised.value.problem.hint)
    looks, follows, serves = re.findall(r"devctl ((?:ui|status|logs)(?: -\S+)*)", said)
    assert (looks, follows, serves) == ("status --json", "logs -f --json", "ui --web")
    assert status(StatusRequest(project=world.root, json=True), world.box()).result["mode"] == "dev"
    world.reader_left = True
    assert logs(LogsRequest(project=world.root, follow=True, json=True), world.box()).exit_code == 0
    served: list[str] = []
    request = BoardRequest(project=world.root, web=True)
    refuse_pointless(request, world.box().host)
    serve_board(request, world.box(), lambda words, *more: served.extend(words))
    assert served


@pytest.mark.parametrize(
    ("request_", "terminal", "env", "refused"),
    [
        (BoardRequest(), True, {}, False),
        (BoardRequest(), False, {}, True),
        (BoardRequest(web=True), False, {}, False),
        (BoardRequest(json=True), True, {}, True),
        (BoardRequest(json=True, web=True), True, {}, True),
        (BoardRequest(), False, {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}, False),
    ],
)
def test_it_is_refused_if_nobody_would_see_it(
    request_: BoardRequest, terminal: bool, env: dict[str, str], refused: bool
) -> None:
    world = World()
    world.agrees, world.env = terminal, env
    if not refused:
        refuse_pointless(request_, world.box().host)
        return
    with pytest.raises(UsageError) as raised:
        refuse_pointless(request_, world.box().host)
    assert raised.value.exit_code == 2
    assert "status --json" in raised.value.problem.hint and "logs -f --json" in raised.value.problem.hint


def nothing(*given: Any) -> None:
    raise AssertionError("it was shown")


@pytest.mark.follows("workflows/board/board.py | devctl up -d")
@pytest.mark.parametrize("web", [False, True])
def test_it_says_so_if_nothing_is_running(web: bool, hinted: Callable[[str], str]) -> None:
    world = running()
    down(DownRequest(project=world.root), world.box())
    ask = BoardRequest(project=world.root, web=web)
    with pytest.raises(UsageError) as raised:
        _ = serve_board(ask, world.box(), nothing) if web else show_board(ask, world.box(), nothing)
    assert (raised.value.code, raised.value.exit_code) == ("not-running", 2)
    assert hinted(raised.value.problem.hint) == "devctl up -d"
    up(UpRequest(project=world.root, detach=True), world.box())
    shown: list[str] = []
    if web:
        serve_board(ask, world.box(), lambda words, title, port, ready: shown.extend([*words, title]))
        assert shown == ["devctl", "--project", str(world.root), "ui", "devctl shop"]
    else:
        show_board(ask, world.box(), lambda board, look: shown.append(board.view().project))
        assert shown == ["shop"]


def test_a_dry_run_shows_nothing() -> None:
    world = running()
    for web in (False, True):
        assert plan_board(BoardRequest(project=world.root, dry_run=True, web=web), world.box()).result == {
            "plan": []
        }


@pytest.mark.parametrize(
    ("env", "look"),
    [
        ({}, Look(can_open=False)),
        ({"DISPLAY": ":0", "COLORFGBG": "0;15"}, Look(dark=False)),
        ({"COLORFGBG": "15;0", "BROWSER": "firefox"}, Look(dark=True)),
        ({"TEXTUAL_DRIVER": "x"}, Look()),
    ],
)
def test_what_is_known_about_the_terminal(env: dict[str, str], look: Look) -> None:
    world, seen = running(), list[Look]()
    world.env = env

    def show(board: Board, how: Look) -> None:
        seen.append(how)

    show_board(BoardRequest(project=world.root), world.box(), show)
    assert seen == [look]


def until(good: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not good():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def test_an_event_is_written_as_it_is_reported() -> None:
    world = running()
    world.save(f".devctl/{EVENTS}", "")
    event = Reload("shop", ok=True, ms=430)
    record(world.box(), world.root, event)
    said = json.loads(world.files[world.root / ".devctl" / EVENTS])
    from datetime import UTC, datetime

    assert {**event_json(event, now=datetime.now(UTC)), "at": said["at"]} == said
