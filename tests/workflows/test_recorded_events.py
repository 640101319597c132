"""Lines of `.devctl/events.jsonl`: containers can write there, so only complete events of devctl's are shown."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.command.event_json import event_json
from devctl.domain.command.events import (
    Change,
    DepsChanged,
    DepsFailed,
    Event,
    LogLine,
    Reload,
    StepStarted,
    Switched,
)
from devctl.domain.command.requests import LogsRequest, UpRequest
from devctl.errors import InterruptedByUser
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.logs.recorded_events import recorded_event
from devctl.workflows.logs.status_and_logs import logs
from tests.fakes import World

EVENTS: tuple[Event, ...] = (
    StepStarted("build", "go.mod changed", "api"),
    LogLine("devctl", "stderr", "watcher: polling"),
    Reload("api", ok=False, ms=12, message="main.go:1:1: undefined"),
    DepsChanged("api", (Change("upgraded", "example.com/a", "^ example.com/a", "v1.0.0", "v1.1.0"),)),
    DepsFailed("api", "no such module"),
    Switched("api", "dev", "prod", 300, 90),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_what_the_watcher_tells_is_read(event: Event) -> None:
    told = event_json(event, now=datetime.now(UTC))
    assert recorded_event(json.dumps(told)) == told


@pytest.mark.parametrize(
    "line",
    [
        "", "x", "null", "[]", "[" * 200_000, '{"a":' * 200_000, '{"type": "event"}', '{"type": "result", "schema": 1}',
        '{"type": "event", "name": "login", "at": "x", "url": "http://evil"}',
        '{"type": "event", "name": ["reload"], "at": "x"}',
        '{"type": "event", "name": "reload", "at": "x", "service": "api", "ok": "yes", "ms": 1}',
        '{"type": "event", "name": "reload", "at": "x", "service": "api", "ok": true, "ms": NaN}',
        '{"type": "event", "name": "reload", "at": "x", "service": "api", "ok": true, "ms": 1' + "0" * 400 + "}",
        '{"type": "event", "name": "deps.failed", "at": "x", "service": "api", "message": "m", "more": 1}',
        '{"type": "event", "name": "deps.changed", "at": "x", "service": "api", "changes": [{"op": "x"}]}',
    ],
    ids=lambda line: line[:60],
)  # fmt: skip
def test_what_something_else_wrote_is_passed_over(line: str) -> None:
    assert recorded_event(line) is None


@given(st.text())
def test_any_line_is_read(line: str) -> None:
    recorded_event(line)


def test_following_ends_when_nobody_reads_any_more_though_nothing_is_said() -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.reader_left = True
    assert logs(LogsRequest(project=world.root, follow=True), world.box()).exit_code == 0


def _lost() -> Exception:
    """What an extension makes of Ctrl-C."""
    error = ValueError("Invalid predicate in pattern")
    error.__cause__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InterruptedByUser(), _lost()], ids=repr)
def test_ctrl_c_is_the_normal_end_of_following_even_before_the_first_line(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()

    def interrupted(*args: object, **how: object) -> None:
        raise error

    monkeypatch.setattr("devctl.workflows.logs.status_and_logs.load", interrupted)
    done = None
    with suppress(KeyboardInterrupt):  # it would end all tests
        done = logs(LogsRequest(project=world.root, follow=True), world.box())
    assert done is not None and done.exit_code == 0
    for request in (
        LogsRequest(project=world.root),
        LogsRequest(project=world.root, follow=True, dry_run=True),
    ):
        with pytest.raises(type(error)):
            logs(request, world.box())


def test_what_fails_while_following_is_not_taken_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def fails(*args: object, **how: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr("devctl.workflows.logs.status_and_logs.load", fails)
    with pytest.raises(ValueError, match="no"):
        logs(LogsRequest(project=world.root, follow=True), world.box())
