"""A moment as a person names it, against Go's own forms of a duration and against ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.command.moments import moment

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("90s", 90), ("250ms", 0.25), ("0s", 0), (" 5s ", 5)],
)
def test_how_long_ago(text: str, seconds: float) -> None:
    assert moment(text, now=NOW) == NOW - seconds


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # hypothesis wants them without a zone
def test_a_time_is_itself(when: datetime) -> None:
    assert moment(when.isoformat(), now=NOW) == when.timestamp()
    aware = when.replace(tzinfo=UTC)
    assert moment(aware.isoformat().replace("+00:00", "Z"), now=NOW) == aware.timestamp()


def test_a_day_and_a_number_of_seconds() -> None:
    assert moment("2026-01-31", now=NOW) == datetime(2026, 1, 31).timestamp()  # of this machine
    assert moment("1769860800", now=NOW) == 1_769_860_800


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "10 m", "1d", "yesterday", "2026-13-01", "10m ago"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        moment(text, now=NOW)
