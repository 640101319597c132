"""`devctl exec` and `shell`: one way to start a command in a container, wherever its output goes, and one way to stop it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from devctl.domain.command.events import LogLine, Outcome
from devctl.workflows.inside.exec import run_attached
from tests.test_arguments import container


class Attached:
    """A `docker exec` that prints a line on each stream and exits with 3."""

    def __init__(self) -> None:
        self.argv: list[str] = []
        self.stop: list[str] = []

    def attach(
        self, argv: Sequence[str], *, stop: Sequence[str], on_line: Callable[[str, str], None] | None = None
    ) -> int:
        self.argv, self.stop = list(argv), list(stop)
        for stream in ("stdout", "stderr") if on_line else ():
            on_line(stream, f"on {stream}")
        return 3


def run(
    *, terminal: bool, piped: bool, json: bool, tests: bool = False
) -> tuple[Attached, list[object], Outcome]:
    processes, events = Attached(), list[object]()
    box: Any = SimpleNamespace(
        processes=processes,
        host=SimpleNamespace(interactive=lambda: terminal, has_input=lambda: terminal or piped),
        identity=SimpleNamespace(temporary=lambda: {"machine": "m", "process": "7-1"}),
        templates=SimpleNamespace(read=lambda name: f"<{name}>"),
        reporter=SimpleNamespace(emit=events.append),
    )
    there = container(id="c1", service="db", state="running")
    done = run_attached(box, "db", ["exec", "--workdir", "/w"], there, ["cat", "-"], json=json, tests=tests)
    return processes, events, done


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("json", [False, True])
def test_input_and_words_are_passed_in_wherever_the_output_goes(
    *, terminal: bool, piped: bool, json: bool
) -> None:
    processes, _, done = run(terminal=terminal, piped=piped, json=json)
    flags = ["--interactive"] if terminal or piped else []
    flags += ["--tty"] if terminal and not json else []
    tail = ["--env", "DEVCTL_EXEC=m-7-1", "--", "c1", "cat", "-"]
    assert processes.argv == ["docker", "exec", "--workdir", "/w", *flags, *tail]
    signal = "HUP" if terminal and not json else "INT"
    script = ["sh", "-c", "<exec/stop>", "stop", "DEVCTL_EXEC=m-7-1", signal]
    assert processes.stop == ["docker", "exec", "--detach", "--", "c1", *script]
    assert (done.result, done.exit_code) == ({"command_exit_code": 3}, 3)


def test_each_line_in_json_has_its_stream() -> None:
    _, events, _ = run(terminal=False, piped=False, json=True)
    assert events == [LogLine("db", "stdout", "on stdout"), LogLine("db", "stderr", "on stderr")]


def test_tests_that_fail_have_one_code() -> None:
    _, _, done = run(terminal=False, piped=False, json=False, tests=True)
    assert (done.result, done.exit_code) == ({"command_exit_code": 3}, 1)
