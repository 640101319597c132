"""JSON: every line on stdout is one object, the last one is the envelope (CONTRACT, JSON)."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import fields
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from devctl.domain.events import Change, Event, Note, Outcome, Ready, Recorded
from devctl.errors import DevctlError, ExitCode, Problem

SCHEMA = 1


class JsonRenderer:
    """Writes events as they come; lines of several threads never mix."""

    def __init__(self) -> None:
        self._warnings: list[Problem] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def emit(self, event: Event) -> None:
        if isinstance(event, Recorded):
            self._line(event.line)
        elif not isinstance(event, Note | Ready):
            self._line(json.dumps(event_json(event, now=datetime.now(UTC)), ensure_ascii=False))

    def warn(self, problem: Problem) -> None:
        if problem not in self._warnings:
            self._warnings.append(problem)

    def finished(self, command: str, outcome: Outcome) -> int:
        self._envelope(command, outcome.exit_code, outcome.result, outcome.problem)
        return outcome.exit_code

    def failed(self, command: str, error: DevctlError) -> int:
        self._envelope(command, error.exit_code, error.result, error.problem)
        return error.exit_code

    def _envelope(self, command: str, code: int, result: dict[str, object], error: Problem | None) -> None:
        envelope = {
            "type": "result",
            "schema": SCHEMA,
            "command": command,
            "ok": code == ExitCode.OK,
            "exit_code": int(code),
            "result": result,
            "warnings": [w.as_json() for w in self._warnings],
            "error": error.as_json() if error is not None else None,
        }
        self._line(json.dumps(envelope, ensure_ascii=False, default=str))

    def _line(self, text: str) -> None:
        with self._lock:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def event_json(event: Event, *, now: datetime) -> dict[str, Any]:
    """`type`, `name`, `at`, then the event's own keys; `from_` is called `from`."""
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {f.name.rstrip("_"): _plain(getattr(event, f.name)) for f in fields(event)}
    return {"type": "event", "name": event.name, "at": at, **own}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [item.as_json() if isinstance(item, Change) else item for item in value]
    return value
