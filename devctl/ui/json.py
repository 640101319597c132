"""JSON: every line on stdout is one object, the last one is the envelope (docs/reference/json-output.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from devctl.domain.command.event_json import event_json
from devctl.domain.command.events import Event, InJson, LogLine, Outcome, Recorded
from devctl.errors import DevctlError, ExitCode, Problem
from devctl.ui.renderer import Renderer

SCHEMA = 1


class JsonRenderer(Renderer):
    """Writes events as they arrive, and the envelope last."""

    def __init__(self, *, discard: Callable[[], None]) -> None:
        super().__init__(discard=discard)
        self._warnings: list[Problem] = []
        self._closed = False

    def show(self, event: Event) -> None:
        if self._closed:
            return  # from a thread that still reads a log: nothing follows the result
        if isinstance(event, Recorded):
            self._out.log_line(_text(json.loads(event.line)))  # from a file that containers can write
        elif isinstance(event, LogLine) and event.stream != "build":
            line = event.line.encode(errors="surrogateescape").decode(errors="replace").rstrip("\r")
            self._out.log_line(_text(event_json(replace(event, line=line), now=datetime.now(UTC))))
        elif isinstance(event, InJson):
            self._out.line(_text(event_json(event, now=datetime.now(UTC))))

    def show_warning(self, problem: Problem, *, again: bool) -> None:
        if problem not in self._warnings:
            self._warnings.append(problem)

    def finished(self, command: str, outcome: Outcome) -> int:
        return self._envelope(command, outcome.exit_code, outcome.result, outcome.problem)

    def failed(self, command: str, error: DevctlError) -> int:
        return self._envelope(command, error.exit_code, error.result, error.problem)

    def _envelope(self, command: str, code: int, result: Mapping[str, object], error: Problem | None) -> int:
        with self._lock:
            self._closed = True
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
            self._out.line(_text(envelope))
        return int(code)


def _text(value: dict[str, Any]) -> str:
    # ASCII only: no locale, lone surrogate in a file name or U+2028 in a log can break a line.
    return json.dumps(value, ensure_ascii=True, default=str)
