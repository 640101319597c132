"""The full view, drawn by Textual without a terminal: what can be read at which size, and what keys do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from devctl.domain.board.history import Moment
from devctl.domain.board.view import BoardLine, Look
from devctl.domain.command.state import Serving
from devctl.domain.preview.last_preview import LastPreview
from devctl.ui.board.app import BoardApp
from devctl.ui.board.chart import bars
from devctl.ui.board.logs import LogView, cleaned
from tests.ui.board_samples import API, DB, NOON, PREVIEW, STATE, VIEW, SampleBoard

SMALL, LARGE = (80, 24), (120, 40)


class Seen:
    """A running view: its pilot, and what its screen shows."""

    def __init__(self, app: BoardApp, pilot: Any, board: SampleBoard) -> None:
        self.app, self.pilot, self.board = app, pilot, board

    @property
    def screen(self) -> list[str]:
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        assert len(strips) == height and all(strip.cell_length == width for strip in strips)
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.screen)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def shows(self, **changed: Any) -> None:
        self.board.now = replace(self.board.now, **changed)
        self.app._read()
        await self.pilot.pause()
        await self.pilot.pause()

    async def says(self, *lines: BoardLine) -> None:
        self.board.lines.extend(lines)
        self.app._read()
        await self.pilot.pause()


def seen(
    look: Callable[[Seen], Awaitable[None]],
    *,
    size: tuple[int, int] = SMALL,
    board: SampleBoard | None = None,
    how: Look | None = None,
) -> BoardApp:
    board = board or SampleBoard()
    app = BoardApp(board, how or Look())

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.pause()
            await look(Seen(app, pilot, board))

    asyncio.run(run())
    return app


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("how", [Look(), Look(dark=False), Look(color=False)], ids=["dark", "light", "no colour"])  # fmt: skip
def test_everything_is_readable(size: tuple[int, int], how: Look) -> None:
    async def look(it: Seen) -> None:
        text = it.text
        for word in (
            "oatmill", "dev", "serving current", "watcher running",
            "● api", "running (healthy)", "http://127.0.0.1:8093", "● db", "dependency",
            "2.50 s", "✗", "last 0.40 s", "1 failed", "median 0.41 s",
            "+ example.org/uuid v1.6.0", "served in 2.50 s",
            "✓ ready", "8.10 MB", "distroless", "switch 0.66 s", "1 ok, 1 warning",
            "GET /items/29 200", "checkpoint complete", "reloaded in 0.43 s",
            "/ search", "o open URL", "q quit",
        ):  # fmt: skip
            assert word in text, text

    seen(look, size=size, how=how)


def test_no_colour_means_none() -> None:
    async def look(it: Seen) -> None:
        from textual.filter import Monochrome

        assert sum(isinstance(f, Monochrome) for f in it.app._filters) == 1

    seen(look, how=Look(color=False))


def test_a_search_shows_the_lines_with_the_text_and_escape_shows_all() -> None:
    async def look(it: Seen) -> None:
        logs = it.app.query_one(LogView)
        await it.press("/", *"UNDEF", "enter")
        assert [row.partition("|")[2] for row in logs.shown] == [
            "✗ reload failed: web/web.go:19:6: undefined: x"
        ]
        assert "logs with “UNDEF”: 1 of 33" in it.text
        await it.says(BoardLine("api", "stdout", "undefined too"), BoardLine("api", "stdout", "other"))
        assert len(logs.shown) == 2
        await it.press("escape")
        assert len(logs.shown) == 35

    seen(look)


@pytest.mark.parametrize("text", ["[", "(.*", "\\", "[bold]x[/bold]"])
def test_a_search_text_is_taken_literally(text: str) -> None:
    async def look(it: Seen) -> None:
        await it.says(BoardLine("api", "stdout", f"a {text} b"))
        it.app._only(wanted=text)
        await it.pilot.pause()
        assert it.app.query_one(LogView).shown == [f"api|a {text} b"]
        assert f"“{text}”" in it.text

    seen(look)


def test_text_typed_immediately_is_searched() -> None:
    """As with a paste or a script: the text arrives before its input line is shown."""

    async def look(it: Seen) -> None:
        for key in ("slash", *"web", "slash", *"web", "enter"):
            it.app.post_message(events.Key(key, {"slash": "/", "enter": "\r"}.get(key, key)))
        await it.pilot.pause()
        await it.pilot.pause()
        assert it.app.query_one(LogView).wanted == "web/web"

    seen(look)


def test_the_logs_of_one_service() -> None:
    async def look(it: Seen) -> None:
        logs = it.app.query_one(LogView)
        await it.press("s")
        assert logs.service == "api" and "logs of api" in it.text
        await it.press("s")
        assert logs.shown == ["db|checkpoint complete"]
        await it.press("s")
        assert logs.service is None
        it.app.query_one("#services").focus()
        await it.press("down", "enter")
        assert logs.service == "db"
        await it.press("enter")
        assert logs.service is None

    seen(look)


def test_the_log_follows_while_it_is_at_its_end() -> None:
    async def look(it: Seen) -> None:
        logs = it.app.query_one(LogView)
        await it.says(BoardLine("api", "stdout", "the newest"))
        assert "the newest" in it.text
        logs.focus()
        await it.press("home")
        await it.pilot.wait_for_animation()
        await it.says(BoardLine("api", "stdout", "newer still"))
        assert "GET /items/0 200" in it.text and "newer still" not in it.text
        await it.press("end")
        await it.pilot.wait_for_animation()
        await it.says(BoardLine("api", "stdout", "and now"))
        assert "and now" in it.text

    seen(look)


def test_a_long_line_is_wrapped() -> None:
    async def look(it: Seen) -> None:
        await it.says(BoardLine("api", "stdout", "x" * 150 + "END"))
        rows = it.app.query_one(LogView).shown
        assert rows[-1].startswith("|") and rows[-1].endswith("END")
        await it.pilot.resize_terminal(*LARGE)
        await it.pilot.pause()
        assert sum("xxx" in row for row in it.app.query_one(LogView).shown) == 2

    seen(look)


def test_nothing_that_a_program_or_a_file_says_reaches_the_terminal_as_a_command() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"

    async def look(it: Seen) -> None:
        await it.says(BoardLine(f"a{evil}", "stdout", f"b{evil}"))
        await it.shows(
            project=f"p{evil}[red]",
            state=replace(
                STATE, services=(replace(API, name=f"s{evil}[red]"),), serving=Serving("old", evil)
            ),
            preview=replace(PREVIEW, failed=f"f{evil}[/]"),
            trouble="",
        )
        bad = [c for row in it.screen for c in row if ord(c) < 32 or 0x7F <= ord(c) <= 0x9F or c == "\u202e"]
        assert bad == []
        assert "\\x1b[2J" in it.text and "[red]" in it.text

    seen(look, size=LARGE)


def test_colours_of_a_program_are_left_out() -> None:
    assert cleaned("\x1b[1;32mGET\x1b[0m /\tx\r\n") == "GET /   x"
    assert cleaned("\udce9") == "�"
    assert len(cleaned("x" * 100_000)) == 4_000


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trouble": "the Docker engine does not answer"}, ["✗ the Docker engine does not answer"]),
        ({"state": replace(STATE, mode="stopped", services=())}, ["stopped: devctl up -d starts it"]),
        ({"state": replace(STATE, serving=Serving("old", "x does not compile"))}, ["serving old: x does not compile"]),
        ({"moments": (), "go_mod": None, "preview": None},
         ["save a Go file", "no change so far", "not yet: devctl prod-preview"]),
        ({"preview": LastPreview(at=NOON, failed="not ready: shell missing")}, ["✗ not ready: shell missing"]),
        ({"go_mod": replace(VIEW.go_mod, outcome=None)}, ["building the deps layer"]),
        ({"go_mod": replace(VIEW.go_mod, outcome=Moment(NOON, "deps", "api", False, 900, "no such module"))},
         ["✗ not applied", "no such module"]),
        ({"state": replace(STATE, services=(replace(API, health="unhealthy"), replace(DB, state="exited")))},
         ["✗ api", "(unhealthy)", "○ db", "exited"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)  # fmt: skip
def test_problems_are_shown_in_words_and_signs(changed: dict[str, Any], words: list[str]) -> None:
    async def look(it: Seen) -> None:
        await it.shows(**changed)
        for word in words:
            assert word in it.text, it.text

    seen(look)


def test_forged_times_break_nothing() -> None:
    odd = (
        Moment(253_402_300_799.0 * 10, "reload", "api", True, 10_000_000),
        Moment(-1e18, "deps", "api", False, 0),
    )

    async def look(it: Seen) -> None:
        await it.shows(moments=odd, go_mod=replace(VIEW.go_mod, at=1e18))
        assert "--:--" in it.text and "10000 s" in it.text, it.text

    seen(look)


def test_many_services_and_no_room_break_nothing() -> None:
    many = tuple(replace(API, name=f"service-with-a-long-name-{n}", url=None) for n in range(40))

    async def look(it: Seen) -> None:
        await it.shows(state=replace(STATE, services=many))
        assert "GET /items/29 200" in it.text
        for size in ((20, 5), (40, 12), (200, 60), SMALL):
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause()
            assert len(it.screen) == size[1]

    seen(look)


def test_open_asks_for_a_browser_or_shows_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(BoardApp, "open_url", lambda self, url, **how: opened.append(url))

    async def look(it: Seen) -> None:
        await it.press("o")
        it.app.query_one("#services").focus()
        await it.press("down", "o")

    seen(look)
    assert opened == ["http://127.0.0.1:8093"], "the database has no address"
    seen(look, how=Look(can_open=False))
    assert len(opened) == 1


def test_keys_quit_and_switch_the_theme() -> None:
    async def look(it: Seen) -> None:
        assert it.app.theme == "textual-dark"
        await it.press("t")
        assert it.app.theme == "textual-light"
        await it.press("ctrl+c")

    assert seen(look).return_code == 0


def test_a_broken_board_ends_the_view() -> None:
    async def look(it: Seen) -> None:
        it.board.ended = True
        it.app._read()
        await it.pilot.pause()

    assert seen(look, board=SampleBoard()).is_running is False


def test_the_height_of_a_bar_is_its_time() -> None:
    moments = [Moment(n, "reload", "api", n != 2, ms) for n, ms in enumerate((100, 800, 400, 0))]
    drawn = bars(moments, width=40, height=2)
    assert drawn.rows == ((" ", "█", " ", " "), ("▂", "█", "█", "▁"))
    assert drawn.marks == (" ", " ", "✗", " ")
    assert (drawn.most, drawn.step) == (800, 2)
    assert [m.at for m in bars(moments, width=9, height=2).shown] == [2, 3], "the newest"
