"""The status line on a terminal: what is printed above it stays intact, and it leaves no trace."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.command.events import (
    ActionFailed,
    Cleared,
    Doing,
    Event,
    Filtered,
    Following,
    LogLine,
    OnTerminal,
    Outcome,
    Reload,
    Remark,
    Seen,
    StepStarted,
)
from devctl.errors import ProjectError
from devctl.ui.status_line import StatusLine
from devctl.ui.text import HumanRenderer

NOON = datetime(2026, 3, 1, 12, 5)
URL = "http://127.0.0.1:8080"
SEEN = Seen("dev", URL, "current")
LINE = f"─ dev · current code · {URL} · ? shows the keys"
_SEQUENCE = re.compile(r"\x1b\[[?\d;]*[a-zA-Z]|\x1b[78]|.", re.DOTALL)


class Terminal(io.StringIO):
    """The features of a terminal that devctl uses: new rows at the bottom, wrapping, erasing, a saved position; no colours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.wraps, self.taken = width, True, list[str]()
        self.rows, self.row, self.column, self.saved = [""], 0, 0, (0, 0)

    def write(self, text: str) -> int:
        for part in _SEQUENCE.findall(text):
            self._take(part)
        return len(text)

    def _take(self, part: str) -> None:
        self.taken.append(part)
        match part:
            case "\r":
                self.column = 0
            case "\n":
                self._down()
                self.column = 0
            case "\x1b[J":
                self.rows[self.row :] = [self.rows[self.row][: self.column]]
            case "\x1b[H\x1b[2J" | "\x1b[2J":
                self.rows = [""] * len(self.rows)
            case "\x1b[H":
                self.row = self.column = 0
            case "\x1b[?7l" | "\x1b[?7h":
                self.wraps = part.endswith("h")
            case "\x1b7":
                self.saved = self.row, self.column
            case "\x1b8":
                self.row, self.column = self.saved
            case _ if part.startswith("\x1b"):
                assert re.fullmatch(r"\x1b\[[\d;]*m", part), f"{part!r} is nothing that devctl uses"
            case _:
                self._put(part)

    def _put(self, character: str) -> None:
        if self.column == self.width:
            if not self.wraps:
                self.column -= 1
            else:
                self._down()
                self.column = 0
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    @property
    def shown(self) -> list[str]:
        return [row.rstrip() for row in self.rows]


@contextlib.contextmanager
def on(width: int = 80, **how: bool) -> Iterator[tuple[HumanRenderer, Terminal]]:
    terminal = Terminal(width)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(terminal),
        contextlib.redirect_stderr(terminal),
    ):
        patch.setattr(StatusLine, "_width", lambda self: terminal.width)
        color = how.pop("color", False)
        human = HumanRenderer(
            quiet=False,
            verbose=False,
            colors=(color, color),
            discard=lambda: None,
            screen=how.pop("screen", True),
            now=lambda: NOON,
            **how,
        )
        yield human, terminal
        human.finished("up", Outcome())


def begin(human: HumanRenderer) -> None:
    human.emit(OnTerminal(True))
    human.emit(SEEN)


def log(text: str) -> LogLine:
    return LogLine("api", "stdout", text)


def test_it_is_below_what_is_printed_and_disappears_without_a_trace() -> None:
    with on() as (human, terminal):
        human.emit(OnTerminal(True))
        assert terminal.shown == [""], "nothing is known yet"
        human.emit(SEEN)
        assert terminal.shown == [LINE]
        human.emit(log("one"))
        human.emit(Remark("two"))
        assert terminal.shown == ["api | one", "two", LINE]
        assert (terminal.row, terminal.column) == (2, 0)
        human.emit(OnTerminal(False))
        assert terminal.shown == ["api | one", "two", ""]
        human.emit(log("three"))
        assert terminal.shown == ["api | one", "two", "api | three", ""]
        human.emit(OnTerminal(True))
        assert terminal.shown == ["api | one", "two", "api | three", LINE]
    assert terminal.shown == ["api | one", "two", "api | three", ""]


def test_it_changes_in_place() -> None:
    with on() as (human, terminal):
        begin(human)
        human.emit(Doing("prod-preview"))
        human.emit(StepStarted("build", "production stage", "api"))
        assert terminal.shown == [f"─ dev · prod-preview: build api 0 s · current code · {URL} · ?"]
        human.emit(Doing(""))
        human.emit(Reload("api", True, 430))
        assert terminal.shown[0] == "api reloaded in 0.43 s"
        assert "0.43 s, 12:05:00" in terminal.shown[1] and len(terminal.shown) == 2


def test_a_narrower_terminal_that_wraps_it_leaves_nothing_of_it() -> None:
    with on() as (human, terminal):
        begin(human)
        terminal.width = 30
        terminal.rows = [LINE[:30], LINE[30:]]  # what a terminal makes of it; the cursor stays at its start
        human.emit(log("one"))
        assert len(terminal.shown) == 2 and len(terminal.shown[1]) <= 30
        with human._lock:
            human._line._draw()  # as the next look of its thread does
        assert terminal.shown == ["api | one", "─ dev · current · ?"]


def test_a_screen_is_cleared() -> None:
    with on() as (human, terminal):
        begin(human)
        human.emit(log("one"))
        human.emit(Cleared())
        assert [row for row in terminal.shown if row] == [LINE]


def test_only_the_log_of_one_service() -> None:
    with on() as (human, terminal):
        begin(human)
        human.emit(Following(("api", "db")))
        human.emit(Filtered("db"))
        human.emit(log("hidden"))
        human.emit(LogLine("db", "stdout", "shown"))
        human.emit(Filtered(""))
        human.emit(log("shown again"))
        assert terminal.shown[:-1] == ["db  | shown", "api | shown again"]


def test_failed_work_of_a_key_is_an_error_like_any_other() -> None:
    with on() as (human, terminal):
        begin(human)
        human.emit(ActionFailed(ProjectError("the image is too old", code="old", hint="devctl rebuild")))
        assert terminal.shown == ["error: the image is too old", "  → devctl rebuild", LINE]


def test_without_a_screen_nothing_is_drawn() -> None:
    with on(screen=False) as (human, terminal):
        begin(human)
        human.emit(log("one"))
        human.emit(Doing("rebuild"))
        assert terminal.shown == ["api | one", ""]


def test_no_colour_and_no_unicode() -> None:
    for color in (False, True):
        with on(color=color, utf8=False) as (human, terminal):
            begin(human)
            assert terminal.shown == [f"- dev | current code | {URL} | ? shows the keys"]
            colours = [part for part in terminal.taken if re.fullmatch(r"\x1b\[\d+m", part)]
            assert bool(colours) == color


_printed = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=70)
_events = st.one_of(
    _printed.map(log),
    _printed.map(Remark),
    st.builds(Doing, st.sampled_from(["", "rebuild"])),
    st.builds(StepStarted, st.sampled_from(["build", "probe"]), _printed, st.just("api")),
    st.builds(OnTerminal, st.booleans()),
    st.builds(Seen, st.sampled_from(["dev", "prod"]), st.sampled_from([None, URL]), st.just(None)),
)


@given(st.lists(_events, max_size=20), st.integers(12, 100))
def test_whatever_happens_the_printed_lines_are_whole_and_the_line_is_the_last(
    events: list[Event], width: int
) -> None:
    with on(width) as (human, terminal):
        begin(human)
        drawn, expected = True, []
        for event in events:
            human.emit(event)
            drawn = event.ours if isinstance(event, OnTerminal) else drawn
            if isinstance(event, LogLine | Remark):
                text = f"api | {event.line}" if isinstance(event, LogLine) else event.text
                expected += [text[i : i + width] for i in range(0, len(text), width)] or [""]
            printed, last = terminal.shown[:-1], terminal.shown[-1]
            assert printed == [row.rstrip() for row in expected]
            assert last.startswith("─") == drawn and len(last) < width
