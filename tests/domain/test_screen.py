"""The status line and the keys of a foreground `up`: what the line says after which events, how it fits, what a key does when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.domain.command.events import (
    ENDED_AT_START,
    UNCHANGED,
    Building,
    DepsFailed,
    DepsRebuilt,
    Doing,
    Event,
    Filtered,
    Following,
    GoTested,
    Happened,
    LogLine,
    Reload,
    Seen,
    StepDone,
    StepFailed,
    StepStarted,
)
from devctl.domain.project.control_characters import in_one_line
from devctl.domain.screen.keys import KEYS, ScreenKey, answer, help_text, next_shown
from devctl.domain.screen.status import Status, after, cells, line

NOON = datetime(2026, 3, 1, 12, 5, 7)
URL = "http://127.0.0.1:8080"
DEV = Seen("dev", URL, "current")


def said(*events: Event, later: float = 0.0, width: int = 200, utf8: bool = True) -> str:
    status = Status()
    for event in events:
        status = after(status, event, NOON)
    pieces = line(status, at=NOON + timedelta(seconds=later), width=width, utf8=utf8)
    return "".join(piece.text for piece in pieces)


ONE, TWO = Following(("api",)), Following(("api", "db"))
END = " · ? shows the keys"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([DEV], f"─ dev · current code · {URL}"),
        ([Seen("dev", None, "current")], "─ dev · current code"),
        ([Seen("stopped", None)], "─ stopped"),
        ([Seen("prod", URL, "current")], f"─ prod · {URL}"),
        ([DEV, Reload("api", True, 432)], f"─ dev · current code · {URL} · reloaded in 0.43 s at 12:05:07"),
        (
            [DEV, TWO, Reload("api", True, 432)],
            f"─ dev · current code · {URL} · api reloaded in 0.43 s at 12:05:07",
        ),
        ([DEV, ONE, Reload("api", False, 9, "main.go:1: x")], f"─ dev · old code since 12:05 · {URL}"),
        ([DEV, TWO, Reload("api", False, 9, "x")], f"─ dev · api: old code since 12:05 · {URL}"),
        ([DEV, Reload("api", False, 9, "x"), Reload("api", True, 20, UNCHANGED)], f"─ dev · current code · {URL}"),
        ([DEV, DepsFailed("api", "no such module")], f"─ dev · old code since 12:05 · {URL}"),
        ([DEV, DepsFailed("api", "x"), DepsRebuilt("api", 3)], f"─ dev · current code · {URL}"),
        ([Seen("dev", URL, "old")], f"─ dev · old code since 12:05 · {URL}"),
        ([Seen("dev", URL, "none")], f"─ dev · nothing is served · {URL}"),
        ([DEV, Happened("api", "exited", "3")], f"─ dev · nothing is served · {URL}"),
        ([DEV, Reload("api", False, 9, f"api {ENDED_AT_START}exit code 1")], f"─ dev · nothing is served · {URL}"),
        ([DEV, Happened("api", "build failed", "x", serves=False)], f"─ dev · nothing is served · {URL}"),
        (
            [DEV, Happened("api", "exited", "3"), Happened("api", "reloaded", ms=310)],
            f"─ dev · current code · {URL} · reloaded in 0.31 s at 12:05:07",
        ),
        ([DEV, GoTested(True)], f"─ dev · current code · {URL} · tests passed at 12:05"),
        ([DEV, GoTested(False)], f"─ dev · current code · {URL} · tests failed at 12:05"),
        (
            [DEV, GoTested(True), Building("api", True), Building("api", False)],
            f"─ dev · current code · {URL} · tests passed before the last change",
        ),
        ([DEV, Filtered("db")], f"─ dev · current code · {URL} · log of db only"),
        ([DEV, Filtered("db"), Filtered("")], f"─ dev · current code · {URL}"),
        ([DEV, Building("api", True)], f"─ dev · building 3 s · {URL}"),
        ([DEV, Building("api", True), Building("api", False)], f"─ dev · current code · {URL}"),
        ([DEV, StepStarted("build", "go.mod", "api")], f"─ dev · build api 3 s · current code · {URL}"),
        (
            [DEV, StepStarted("build", "go.mod", "api"), StepDone("build", "go.mod", 9, "api")],
            f"─ dev · current code · {URL}",
        ),
        (
            [DEV, Doing("rebuild"), StepStarted("build", "", "api"), StepFailed("build", "", 9, "api")],
            f"─ dev · rebuild 3 s · current code · {URL}",
        ),
        (
            [DEV, Doing("prod-preview"), StepStarted("build", "", "api")],
            f"─ dev · prod-preview: build api 3 s · current code · {URL}",
        ),
        ([DEV, Doing("rebuild"), Doing("")], f"─ dev · current code · {URL}"),
    ],
)  # fmt: skip
def test_what_the_line_says_three_seconds_later(events: list[Event], expected: str) -> None:
    assert said(*events, later=3) == expected + END


def test_what_ends_within_half_a_second_is_not_shown() -> None:
    for event in (StepStarted("look", "what runs"), Building("api", True)):
        assert said(DEV, event, later=0.4) == said(DEV)
        assert said(DEV, event, later=0.6) != said(DEV)


def test_old_code_is_as_old_as_its_first_error() -> None:
    status = after(after(Status(), DEV, NOON), Reload("api", False, 1, "x"), NOON)
    status = after(status, Reload("api", False, 1, "y"), NOON + timedelta(minutes=9))
    assert "since 12:05" in "".join(p.text for p in line(status, at=NOON, width=80, utf8=True))


def test_what_is_shortened_on_a_narrow_terminal() -> None:
    events = [DEV, Reload("api", True, 432), GoTested(True)]
    assert [said(*events, width=w) for w in (110, 80, 60, 40, 20, 12)] == [
        f"─ dev · current code · {URL} · 0.43 s, 12:05:07 · tests passed at 12:05 · ? keys",
        f"─ dev · current · {URL} · 0.43 s, 12:05:07 · tests passed · ?",
        f"─ dev · current · {URL} · 0.43 s · ?",
        "─ dev · current · ?",
        "─ dev · current · ?",
        "─ dev · cu…",
    ]


_services = st.sampled_from(["api", "db", "a-service-with-a-rather-long-name", "データ"])
_events = st.one_of(
    st.builds(
        Seen,
        st.sampled_from(["dev", "prod", "stopped", "mixed"]),
        st.sampled_from([None, URL, "https://127.0.0.1:65535"]),
        st.sampled_from([None, "current", "old", "none"]),
    ),
    st.builds(Following, st.lists(_services, max_size=4).map(tuple)),
    st.builds(Building, _services, st.booleans()),
    st.builds(Reload, _services, st.booleans(), st.integers(0, 10**7), st.sampled_from(["", "x", UNCHANGED])),
    st.builds(DepsFailed, _services, st.just("why")),
    st.builds(DepsRebuilt, _services, st.integers(0, 10**6)),
    st.builds(
        Happened, _services, st.sampled_from(["reloaded", "unchanged", "build failed", "exited", "killed"])
    ),
    st.builds(StepStarted, st.sampled_from(["build", "probe"]), st.text(max_size=9), _services | st.none()),
    st.builds(StepDone, st.sampled_from(["build", "probe"]), st.text(max_size=9), st.just(1), _services),
    st.builds(Doing, st.sampled_from(["", "rebuild", "prod-preview"])),
    st.builds(GoTested, st.booleans()),
    st.builds(Filtered, _services | st.just("") | st.text(max_size=30)),
    st.builds(LogLine, _services, st.just("stdout"), st.text(max_size=9)),
)


@given(st.lists(_events, max_size=25), st.integers(1, 250), st.booleans(), st.floats(-5, 1e6))
def test_no_line_is_wider_than_the_terminal(
    events: list[Event], width: int, utf8: bool, later: float
) -> None:
    shown = said(*events, width=width, utf8=utf8, later=later)
    assert cells(shown) < width
    assert in_one_line(shown) == shown, "no character that a terminal obeys"
    assert utf8 or shown.isascii()


@given(st.lists(_events, max_size=25), st.integers(30, 250))
def test_the_mode_is_always_there(events: list[Event], width: int) -> None:
    mode = next((e.mode for e in reversed(events) if isinstance(e, Seen)), "")
    assert said(*events, width=width).startswith(f"─ {mode}")


def test_without_utf8_it_is_plain_ascii() -> None:
    events = [DEV, Filtered("データ")]
    assert said(*events, utf8=False) == f"- dev | current code | {URL} | log of ??? only | ? shows the keys"
    assert (
        said(Seen("stopped", None), Doing("a-long-piece-of-work"), width=16, utf8=False) == "- stopped | a-~"
    )


def test_each_key_exists_once_and_is_in_the_help() -> None:
    pressed = [k.key for k in KEYS]
    assert sorted(pressed) == sorted({*pressed}) and all(len(k) == 1 for k in pressed)
    shown = help_text().splitlines()[1:]
    assert [row.split()[0] for row in shown] == pressed
    assert max(map(len, shown)) < 80, "one row each on an ordinary terminal"


def named(action: str) -> ScreenKey:
    return next(k for k in KEYS if k.action == action)


def test_a_key_is_accepted_or_refused_with_a_reason() -> None:
    assert answer("r", mode="dev", busy="") == named("rebuild")
    assert answer("p", mode="prod", busy="") == named("preview")
    assert answer("R", mode="dev", busy="") == answer("\x04", mode="dev", busy="") == ""
    assert "press b" in str(answer("r", mode="prod", busy=""))
    assert "press b" in str(answer("t", mode="prod", busy=""))
    assert (
        answer("p", mode="dev", busy="rebuild") == "rebuild is still running: press p again when it is done"
    )


def test_what_takes_no_time_is_always_accepted() -> None:
    for key in KEYS:
        heard = answer(key.key, mode="prod", busy="prod-preview")
        assert (heard == key) == (not key.does), key


def test_the_logs_of_each_service_are_shown_in_turn_and_then_all() -> None:
    shown, seen = "", []
    for _ in range(4):
        shown = next_shown(["api", "db", "cache"], shown)
        seen.append(shown)
    assert seen == ["api", "db", "cache", ""]
    assert next_shown(["api"], "one that is gone") == ""


def test_a_status_is_not_changed_by_what_it_does_not_show() -> None:
    status = replace(Status(), mode="dev")
    assert after(status, LogLine("api", "stdout", "hello"), NOON) is status
