"""Makes a JSON log line (slog, zap, zerolog, logrus) readable: time, level, message, then the other fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from devctl.domain.regex import regex
from devctl.ui.style import Part, Style

_LEVELS = ("level", "severity", "lvl", "L")
_TIMES = ("time", "ts", "timestamp", "@timestamp", "T")
_MESSAGES = ("msg", "message", "M")
_WORST, _WORSE = ("error", "err", "dpanic", "fatal", "critical", "panic"), ("warn", "warning")
_SHORTER = {"warning": "warn", "critical": "fatal"}
_PLAIN = regex(r"[^\s\"=\x00-\x1f\x7f-\x9f]+")
_UNITS = (1, 10**3, 10**6, 10**9)
"""Unit of a numeric time since 1970: seconds, or a fraction of them."""


Pairs = Sequence[tuple[str, Any]]


class _Number(str):
    """As it was written: parsing a long number would lose digits."""


class _Object(list[tuple[str, Any]]):
    """Its keys in order, and those that occur twice."""


def readable(line: str, style: Style) -> list[Part] | None:
    """None for a line that is not a JSON object with a message or a level: it is shown unchanged."""
    if not line.startswith("{") or not line.rstrip().endswith("}"):
        return None
    try:
        return _readable(line, style)
    except (ValueError, RecursionError):  # nested too deeply for the parser, or for this module
        return None


def _readable(line: str, style: Style) -> list[Part] | None:
    pairs = json.loads(
        line, object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_Number
    )
    if not isinstance(pairs, _Object):
        return None
    level, pairs = _taken(pairs, _LEVELS, bool)
    message, pairs = _taken(pairs, _MESSAGES, lambda value: True)
    if message is None and level is None:
        return None
    when, pairs = _taken(pairs, _TIMES, lambda value: _clock(value) is not None)
    said = [_dim_clock(when, style), _level(level, style), message]
    parts = [part for part in said if part]
    spaced = [each for part in parts for each in (" ", part)][1:]
    return [*spaced, *_fields(pairs, style)]


def _taken(pairs: Pairs, names: tuple[str, ...], fits: Callable[[str], bool]) -> tuple[str | None, Pairs]:
    """The text under the first of these names that exists, and the remaining fields: a second occurrence of the same name
    stays a field."""
    for name in names:
        for number, (key, value) in enumerate(pairs):
            if key == name and isinstance(value, str) and fits(value):
                return value, [*pairs[:number], *pairs[number + 1 :]]
    return None, pairs


def _level(level: str | None, style: Style) -> Part | None:
    if level is None:
        return None
    word, sign, more = level.lower().partition("+")  # slog: INFO+2
    said = f"{_SHORTER.get(word, word)}{sign}{more}".upper().ljust(5)
    if word in _WORST:
        return style.bad(said)
    if word in _WORSE:
        return style.warn(said)
    return style.good(said) if word == "info" else style.dim(said)


def _dim_clock(when: str | None, style: Style) -> Part | None:
    clock = _clock(when) if when is not None else None
    return style.dim(clock) if clock is not None else None


def _clock(when: str) -> str | None:
    """The local time of day, to the millisecond if it is known that precisely."""
    try:
        if isinstance(when, _Number):
            number = float(when)
            unit = next(u for u in _UNITS if abs(number) < 10**11 * u)
            moment, fine = datetime.fromtimestamp(number / unit), unit > 1 or "." in when or "e" in when
        else:
            moment, fine = datetime.fromisoformat(when), "." in when
            moment = moment.astimezone() if moment.tzinfo is not None else moment
    except (ValueError, OverflowError, OSError, StopIteration):
        return None
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 1000:03}" if fine else "")


def _fields(pairs: Pairs, style: Style) -> Iterator[Part]:
    """Values with several lines, such as a stack trace, come last, below the line."""
    long: list[tuple[str, str]] = []
    for key, value in _flat(pairs, ""):
        if isinstance(value, str) and not isinstance(value, _Number) and "\n" in value.strip("\n"):
            long.append((key, value))
            continue
        yield style.dim(f" {_word(key)}=")
        yield _word(value)
    for key, value in long:
        yield style.dim(f"\n    {_word(key)}:")
        yield "".join(f"\n      {line}" for line in value.strip("\n").split("\n"))


def _flat(pairs: Pairs, before: str) -> Iterator[tuple[str, Any]]:
    """Groups as `request.method`."""
    for key, value in pairs:
        if isinstance(value, _Object) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _word(value: Any) -> str:
    if isinstance(value, str):
        return (
            value
            if isinstance(value, _Number) or _PLAIN.fullmatch(value)
            else json.dumps(value, ensure_ascii=False)
        )
    return _json(value)


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, _Object):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
