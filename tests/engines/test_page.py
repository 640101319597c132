"""The page of engines shows what the lane has measured."""

from __future__ import annotations

from tests.engines.page import BEGIN, END, PAGE, measured, tables


def test_the_page_shows_what_was_measured() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == f"\n{tables(measured())}"
