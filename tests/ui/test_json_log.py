"""JSON logs as a person reads them, compared in full."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.ui.json_log import readable
from devctl.ui.style import Style, rendered


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(line: str, *, color: bool = False) -> str | None:
    parts = readable(line, Style(color))
    return rendered(tuple(parts)) if parts is not None else None


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (  # slog
            '{"time":"2026-11-30T20:57:40.792747557Z","level":"INFO","msg":"listening","address":"[::]:8080"}',
            "20:57:40.792 INFO  listening address=[::]:8080",
        ),
        (
            '{"time":"2026-11-30T20:57:40Z","level":"DEBUG+2","msg":"","request":{"method":"GET","n":12345678901234567890}}',
            "20:57:40 DEBUG+2 request.method=GET request.n=12345678901234567890",
        ),
        (  # zap
            '{"level":"error","ts":1796072260.7927,"caller":"web.go:12","msg":"ended","err":"no table","stack":"a()\\n\\tb.go"}',
            '20:57:40.792 ERROR ended caller=web.go:12 err="no table"\n    stack:\n      a()\n      \tb.go',
        ),
        (  # zerolog
            '{"level":"warn","time":1796072260,"message":"slow","ms":1.50,"tags":["a",{"b":null}],"ok":true}',
            '20:57:40 WARN  slow ms=1.50 tags=["a",{"b":null}] ok=true',
        ),
        (  # logrus
            '{"animal":"walrus","level":"warning","msg":"A group","time":"2026-11-30T22:57:40+02:00"}',
            "20:57:40 WARN  A group animal=walrus",
        ),
        ('{"msg":"no level","time":"yesterday"}', "no level time=yesterday"),
        ('{"level":"info","msg":"a","msg":"b"}', "INFO  a msg=b"),
        ('{"level":{"x":1},"msg":"m","empty":{}}', "m level.x=1 empty={}"),
        ('{"level":"info","msg":"clear \\u001b[2J"}', "INFO  clear \\x1b[2J"),
    ],
)
def test_a_line_of_each_logger(line: str, text: str) -> None:
    assert shown(line) == text


@pytest.mark.parametrize(
    "line",
    [
        "",
        "listening on :8080",
        "{",
        '{"a":1}',
        '["msg"]',
        '{"level":1',
        "{}",
        '"msg"',
        "{" * 100_000 + "}",
        '{"msg":NaN',
    ],
)
def test_what_is_not_a_log_line_in_json_stays_as_it_is(line: str) -> None:
    assert shown(line) is None


@pytest.mark.parametrize(("level", "code"), [("ERROR", "31"), ("warn", "33"), ("info", "32"), ("debug", "2")])
def test_the_level_has_a_colour(level: str, code: str) -> None:
    assert (
        shown(json.dumps({"level": level, "msg": "m"}), color=True)
        == f"\x1b[{code}m{level.upper():<5}\x1b[0m m"
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["level", "time", "ts", "msg", "message", "a", "b", ""]), VALUES))
def test_any_object_is_shown_or_left_and_no_field_is_lost(fields: dict[str, object]) -> None:
    text = shown(json.dumps(fields))
    if text is not None:
        assert all(
            str(value) in text
            for value in fields.values()
            if isinstance(value, int) and value not in (True, False)
        )


@pytest.mark.parametrize("depth", [100, 300, 400, 900, 20_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_what_is_nested_too_deep_is_shown_as_it_is(depth: int, opening: str, closing: str) -> None:
    text = shown(f'{{"msg":"x","a":{opening * depth}1{closing * depth}}}')
    assert text is None or text.startswith("x a")
