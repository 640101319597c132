"""A moment in user input: how long ago (`1h30m`), or when (`2026-01-31T12:00`), as in `docker logs --since`."""

from __future__ import annotations

from devctl.domain.regex import regex

_DURATION = regex(r"(?:\d{1,9}(?:\.\d{0,9})?(?:h|ms|m|s|us|µs|ns))+")
_PART = regex(r"(?P<number>\d+(?:\.\d*)?)(?P<unit>h|ms|m|s|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_EPOCH = regex(r"\d{9,11}(?:\.\d{1,9})?")


def moment(text: str, *, now: float) -> float:
    """Seconds since the epoch; raises ValueError. Without a time zone it is this machine's local time."""
    from datetime import datetime

    said = text.strip()
    if _DURATION.fullmatch(said):
        return now - sum(float(part["number"]) * _SECONDS[part["unit"]] for part in _PART.finditer(said))
    if _EPOCH.fullmatch(said):
        return float(said)
    try:
        return datetime.fromisoformat(said).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time; write 10m, 1h30m or 2026-01-31T12:00:00") from None
