"""Links on a terminal: what is shown stays the same, and what a text holds never steers it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.system.host import file_address, opens_links
from devctl.ui.links import Links
from devctl.ui.style import Painted, rendered

LINK = re.compile(r"\x1b\]8;;([^\x1b]*)\x1b\\(.*?)\x1b\]8;;\x1b\\", re.S)
PLACES = Links(
    lambda file, line, column: f"file:///shop/{file}#{line},{column}" if file != "gone.go" else None
)
TEXTS = st.text(st.characters() | st.sampled_from(".:/ -?=;\x1b]8\\"), max_size=40) | st.sampled_from(
    ["http://127.0.0.1:8080", "https://x/\x1b]8;;http://evil\x1b\\", "main.go:3:1: no", "a/b_test.go:7"]
)


def links(text: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in LINK.finditer(PLACES.linked(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ready: http://127.0.0.1:8093.", [("http://127.0.0.1:8093", "http://127.0.0.1:8093")]),
        ("(https://x/y?a=1&b=2)", [("https://x/y?a=1&b=2", "https://x/y?a=1&b=2")]),
        (
            "  internal/web/web.go:19:6: no",
            [("file:///shop/internal/web/web.go#19,6", "internal/web/web.go:19:6")],
        ),
        ("compose.yaml:7 says", [("file:///shop/compose.yaml#7,0", "compose.yaml:7")]),
        ("gone.go:3", []),
        ("/usr/local/go/src/testing/testing.go:1934", []),
        ("golang:1.26 at 12:35:10, 127.0.0.1:8080", []),
    ],
)
def test_urls_and_places_of_the_project_are_links(text: str, found: list[tuple[str, str]]) -> None:
    assert [pair for pair in links(text) if not pair[0].endswith(".1:8080")] == found


@given(st.lists(TEXTS, max_size=3).map(" ".join))
def test_what_is_shown_stays_the_same(text: str) -> None:
    parts = (text, Painted("31", text))
    assert LINK.sub(lambda found: found[2], rendered(parts, PLACES)) == rendered(parts)


@given(TEXTS)
def test_an_address_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    for address, _ in links(text):
        assert re.fullmatch(r"[\x21-\x7e]+", address)


def test_a_file_is_opened_at_its_line_where_the_terminal_is_an_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a b.go"
    path.touch()
    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    assert file_address(path, 3, 0) == f"vscode://file{tmp_path}/a%20b.go:3:1"
    monkeypatch.delenv("TERM_PROGRAM")
    address = file_address(path, 3, 0)
    assert address is not None and re.fullmatch(rf"file://[^/]+{tmp_path}/a%20b\.go", address)
    assert file_address(tmp_path / "none.go", 3, 0) is None


@pytest.mark.parametrize(("term", "opens"), [("xterm-256color", True), ("dumb", False), ("linux", False)])
def test_a_terminal_that_knows_no_links_gets_none(
    term: str, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert opens_links() is opens


@pytest.mark.parametrize("unit", ["+", "@", "a+", "a/", "a.", "https://", "1:"])
def test_a_line_without_end_is_shown_and_not_searched(unit: str) -> None:
    """In time that grows with its length: a run of a character that may begin a name took minutes."""
    text = unit * 200_000
    began = time.thread_time()
    assert PLACES.linked(text) == text
    assert PLACES.linked(f"{unit * 1_900}\n" * 20)
    assert time.thread_time() - began < 20
