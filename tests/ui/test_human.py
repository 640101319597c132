"""What a person reads, compared in full."""

from __future__ import annotations

import io
import json
import os
import pty
import queue
import subprocess
import sys
import threading
from datetime import datetime

import pytest

from devctl.domain.command.events import (
    UNCHANGED,
    Change,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    Following,
    Happened,
    LogLine,
    Outcome,
    Ready,
    Recorded,
    Reload,
    Remark,
    StepDone,
    StepEnded,
    StepFailed,
    StepStarted,
    Switched,
)
from devctl.domain.failures.build_output import MOST
from devctl.errors import MachineError, Problem, ProjectError, UsageError
from devctl.ui.json import JsonRenderer
from devctl.ui.live import LiveLine, Reminder
from devctl.ui.out import Out
from devctl.ui.text import KEPT, HumanRenderer

NOON = datetime(2026, 3, 1, 12, 5)


def renderer(
    *, quiet: bool = False, verbose: bool = False, colors: tuple[bool, bool] = (False, False)
) -> HumanRenderer:
    return HumanRenderer(quiet=quiet, verbose=verbose, colors=colors, discard=lambda: None, now=lambda: NOON)


@pytest.mark.parametrize(
    ("event", "out", "err"),
    [
        (StepStarted("build", "no image", "api"), "", ""),
        (StepDone("build", "no image", 12_340, "api"), "", "✓ build api: no image  12.3 s\n"),
        (StepDone("start", "", 40), "", "✓ start  0.0 s\n"),
        (
            StepFailed("probe", "until it answers", 60_000, "api"),
            "",
            "✗ probe api: until it answers  60.0 s\n",
        ),
        (StepEnded("build", "no image", 60_000, "api"), "", ""),
        (LogLine("api", "stdout", "hello"), "api | hello\n", ""),
        (LogLine("build", "build", "#7 RUN go build"), "", ""),
        (Remark("Ctrl-C stops"), "", "Ctrl-C stops\n"),
        (Ready("ready in 3 s"), "ready in 3 s\n", ""),
        (Recorded("{}"), "", ""),
        (Reload("api", True, 337), "", "api reloaded in 0.34 s\n"),
        (Reload("api", False, 500, "api exited at startup: exit code 3"), "", ""),
        (
            Reload("api", False, 500, "api does not answer on http://127.0.0.1:80"),
            "",
            "api does not answer on http://127.0.0.1:80\n",
        ),
        (Reload("api", True, 20, UNCHANGED), "", ""),
        (Happened("api", "exited", "3"), "", "api exited with code 3\n"),
        (
            Happened("api", "killed", "it did not stop within 10 s"),
            "",
            "api was killed: it did not stop within 10 s\n",
        ),
        (Happened("api", "reloaded", ms=310), "", "api reloaded, built in 0.31 s\n"),
        (
            Happened("api", "build failed", "main.go:3:1: x", serves=False),
            "",
            "api does not compile, nothing is served:\n  main.go:3:1: x\n",
        ),
        (
            Happened("api", "command failed", "no templ\npre_cmd failed: templ"),
            "",
            "api: a command of .air.toml failed:\n  no templ\n  pre_cmd failed: templ\n",
        ),
        (
            Reload("api", False, 500, "main.go:3:1: undefined: x\nmore"),
            "",
            "api does not compile, serving old code since 12:05:\n  main.go:3:1: undefined: x\n  more\n",
        ),
        (
            DepsChanged("api", (Change("added", "example.com/x", "+ example.com/x v1.2.0"),)),
            "",
            "api: dependencies changed\n  + example.com/x v1.2.0\n",
        ),
        (DepsRebuilt("api", 4200), "", "api serves with the new dependencies, 4.2 s\n"),
        (
            DepsRebuilt("api", 4200, "127.0.0.1:2345"),
            "",
            "api has the new dependencies, 4.2 s; it waits for a debugger on 127.0.0.1:2345\n",
        ),
        (
            DepsFailed("api", "no such module"),
            "",
            "api was not replaced, serving old code since 12:05:\n  no such module\n",
        ),
        (
            Switched("api", "dev", "prod", 1250, 90),
            "",
            "api: dev → prod, 1.2 s (90 ms downtime)\n",
        ),
        (Switched("worker", "dev", "prod", 1250, None), "", "worker: dev → prod, 1.2 s\n"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_each_event(capsys: pytest.CaptureFixture[str], event: Event, out: str, err: str) -> None:
    renderer().emit(event)
    assert capsys.readouterr() == (out, err)


def test_the_same_compile_error_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([NOON, NOON.replace(minute=9), NOON.replace(minute=30)])
    human = HumanRenderer(
        quiet=False, verbose=False, colors=(False, False), discard=lambda: None, now=lambda: next(times)
    )
    broken = Reload("api", False, 1, "main.go:3:1: undefined: x")
    for event in (broken, broken, Reload("api", True, 300), broken, Reload("api", True, 20, UNCHANGED)):
        human.emit(event)
    assert capsys.readouterr().err.splitlines() == [
        "api does not compile, serving old code since 12:05:",
        "  main.go:3:1: undefined: x",
        "api does not compile, serving old code since 12:05: the same error",
        "api reloaded in 0.30 s",
        "api does not compile, serving old code since 12:30:",
        "  main.go:3:1: undefined: x",
        "api compiles again, to the binary that is already running",
    ]


def test_quiet_leaves_results_logs_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer(quiet=True)
    for event in (
        StepDone("build", "", 1),
        Remark("x"),
        Reload("api", True, 1),
        LogLine("api", "stdout", "hello"),
    ):
        human.emit(event)
    human.warn(Problem("w", "warning", "hint"))
    assert human.finished("up", Outcome(text="ready")) == 0
    assert human.failed("up", UsageError("wrong", code="usage", hint="right")) == 2
    assert capsys.readouterr() == ("api | hello\nready\n", "error: wrong\n  → right\n")


def test_a_failed_step_shows_the_end_of_its_build(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    human.emit(StepStarted("build", "x", "web"))
    human.emit(LogLine("build", "build", "of the step before"))
    human.emit(StepDone("build", "x", 1, "web"))
    human.emit(StepStarted("build", "x", "api"))
    for number in range(KEPT + 5):
        human.emit(LogLine("build", "build", f"line {number}"))
    assert human.failed("up", ProjectError("the build failed", code="build-failed", hint="fix it")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == [
        "error: the build failed",
        *(f"  line {n}" for n in range(KEPT + 5 - MOST, KEPT + 5)),
        "  → fix it",
    ]


def test_an_error_that_explains_itself_needs_no_build_log(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    human.emit(LogLine("build", "build", "noise"))
    human.failed(
        "up", MachineError("disk is full", code="disk-full", hint="docker system df", detail="0 bytes")
    )
    assert capsys.readouterr().err == "error: disk is full\n  0 bytes\n  → docker system df\n"


def test_verbose_shows_the_build_as_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    renderer(verbose=True).emit(LogLine("build", "build", "#7 RUN go build"))
    assert capsys.readouterr().err == "#7 RUN go build\n"


def test_warnings_come_once_in_the_form_of_errors(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    for _ in range(2):
        human.warn(Problem("old-air", "air is old", "devctl init --diff", "Dockerfile:7"))
        human.warn(Problem("other", "compose.yaml:3: is odd", "see there", "compose.yaml:3"))
    assert capsys.readouterr().err == (
        "warning: Dockerfile:7: air is old\n  → devctl init --diff\n"
        "warning: compose.yaml:3: is odd\n  → see there\n"
    )


def test_a_warning_that_was_read_before_is_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("old-air", "air is old", "devctl init --diff", "Dockerfile:7")
    renderer().warn(problem, again=True)
    assert capsys.readouterr().err == ""
    renderer(verbose=True).warn(problem, again=True)
    assert "air is old" in capsys.readouterr().err


def test_log_names_line_up_and_each_stream_has_its_own_colour(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer(colors=(False, True))
    human.emit(LogLine("postgres", "stderr", "ready"))
    human.emit(LogLine("api", "stdout", "hello"))
    human.emit(Reload("api", True, 300))
    out, err = capsys.readouterr()
    assert out == "postgres | ready\napi      | hello\n"
    assert err == "\x1b[32mapi reloaded in 0.30 s\x1b[0m\n"


def test_threads_do_not_mix_lines(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    line = "x" * 500
    threads = [
        threading.Thread(target=lambda: [human.emit(LogLine("api", "stdout", line)) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(capsys.readouterr().out.splitlines()) == {f"api | {line}"}


def test_a_locale_without_the_arrow_is_not_an_error() -> None:
    code = "from devctl.cli.app import main; main(['nonsense'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert done.stderr == b"error: no such command 'nonsense'\n  \\u2192 devctl --help\n"


def test_builds_side_by_side_each_have_their_line_and_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer(verbose=True)
    human.emit(StepStarted("build", "no image", "api"))
    human.emit(StepStarted("build", "no image", "jobs"))
    human.emit(LogLine("api", "build", "#5 RUN go mod download"))
    human.emit(LogLine("jobs", "build", "#5 CACHED"))
    human.emit(StepDone("build", "no image", 400, "jobs"))
    human.emit(LogLine("api", "build", "#5 DONE 0.1s"))
    human.emit(LogLine("build", "build", "Container shop-api-1  Started"))
    assert capsys.readouterr().err.splitlines() == [
        "api | #5 RUN go mod download",
        "jobs | #5 CACHED",
        "✓ build jobs: no image  0.4 s",
        "api  | #5 DONE 0.1s",
        "Container shop-api-1  Started",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_there_is_a_live_line_for_each_step_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    live = LiveLine(stream, enabled=True, color=False)
    live.start("build api")
    live.start("build jobs")
    live.end("build api")
    before = len(stream.getvalue())
    live.hidden(lambda: stream.write("between\n"))
    drawn = stream.getvalue()
    assert "build api" in drawn[:before] and "build jobs" in drawn[:before]
    assert "between\n" in drawn and "build api" not in drawn[drawn.index("between") :]
    live.clear()
    live.end("build jobs")


def test_a_long_live_line_stays_one_line() -> None:
    stream = io.StringIO()
    live = LiveLine(stream, enabled=True, color=False)
    live.start("build api: " + "a long cause " * 30)
    live.hidden(lambda: stream.write("between\n"))
    live.clear()
    assert "between\n" in stream.getvalue()


@pytest.mark.parametrize(("flags", "colored"), [([], True), (["--color", "never"], False)])
def test_on_a_terminal_the_running_step_has_a_live_line(flags: list[str], colored: bool) -> None:
    program = (
        "import sys, time\n"
        "from devctl.cli.app import main\n"
        "from devctl.domain.command.events import Outcome, StepStarted, StepDone\n"
        "from devctl.workflows.logs import status_and_logs as observe\n"
        "def status(request, box):\n"
        "    box.reporter.emit(StepStarted('build', 'no image', 'api')); time.sleep(0.3)\n"
        "    box.reporter.emit(StepDone('build', 'no image', 300, 'api')); return Outcome(text='done')\n"
        "observe.status = status\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")} | {"TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", program, "status", *flags], stdout=theirs, stderr=theirs, env=env
    ) as child:
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not more:
                break
            said += more
        assert child.wait(60) == 0
    os.close(ours)
    text = said.decode()
    assert "build api: no image" in text
    assert "0:00:00" in text
    assert text.rstrip().endswith("done")
    assert ("\x1b[32m✓" in text) is colored
    assert ("\x1b[3" in text) is colored


def test_names_are_aligned_from_the_first_line_on_and_one_service_alone_has_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    human = renderer(verbose=True)
    human.emit(Following(("api", "database")))
    human.emit(LogLine("api", "stdout", "hello"))
    human.emit(LogLine("database", "stderr", "ready"))
    human.emit(LogLine("api", "build", "devctl: build start"))
    human.emit(Following(("api",)))
    human.emit(LogLine("api", "stdout", "hello"))
    assert capsys.readouterr() == (
        "api      | hello\ndatabase | ready\nhello\n",
        "api      | devctl: build start\n",
    )


def test_the_colour_of_a_name_stays(capsys: pytest.CaptureFixture[str]) -> None:
    for services in (("api", "db"), ("a", "api", "db", "z")):
        human = renderer(colors=(True, True))
        human.emit(Following(services))
        human.emit(LogLine("api", "stdout", "hello"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("\x1b[") and first.partition(" ")[0] == second.partition(" ")[0]


def test_what_reloads_is_for_verbose_and_no_part_of_a_step_that_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    human = renderer()
    human.emit(Following(("api", "db")))
    human.emit(LogLine("api", "build", "devctl: build start"))
    human.failed("up", ProjectError("it failed", code="build-failed", hint="fix it"))
    assert capsys.readouterr() == ("", "error: it failed\n  → fix it\n")


def test_a_remark_that_comes_with_each_build_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    for message in ("built as Dockerfile builds", "built as Dockerfile builds", "another one"):
        human.emit(Happened("api", "noted", message))
    assert capsys.readouterr().err == "api: built as Dockerfile builds\napi: another one\n"


def test_bytes_that_are_no_text_do_not_break_json(capsys: pytest.CaptureFixture[str]) -> None:
    JsonRenderer(discard=lambda: None).emit(LogLine("api", "stdout", "\udcff é\r"))
    assert json.loads(capsys.readouterr().out)["line"] == "\ufffd é"


def test_nothing_follows_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    json_ = JsonRenderer(discard=lambda: None)
    json_.finished("logs", Outcome())
    for late in (LogLine("api", "stdout", "x"), Recorded("{}"), StepStarted("build", "no image")):
        json_.emit(late)
    assert json.loads(capsys.readouterr().out)["type"] == "result"


def test_errors_that_cannot_be_written_do_not_end_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    human = renderer()
    human.emit(StepDone("start", "", 40))
    human.warn(Problem("old-air", "old", "hint"))
    assert human.failed("up", UsageError("x", code="usage", hint="y")) == 2


def test_after_its_end_no_old_code_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    human = renderer()
    for event in (
        Happened("api", "exited", "2"),
        Reload("api", False, 1, "main.go:3:1: x"),
        Reload("api", True, 300),
        Reload("api", False, 1, "main.go:3:1: x"),
    ):
        human.emit(event)
    assert capsys.readouterr().err.splitlines() == [
        "api exited with code 2",
        "api does not compile, nothing is served:",
        "  main.go:3:1: x",
        "api reloaded in 0.30 s",
        "api does not compile, serving old code since 12:05:",
        "  main.go:3:1: x",
    ]


@pytest.mark.parametrize("printed", [b"\xff\xfe\x00 \x1b[31mred\x1b[0m \r", "é ✓".encode(), b"a" * 1_500_000])
def test_what_a_program_prints_is_passed_on_byte_for_byte(printed: bytes) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    out = Out(stream, discard=lambda: None)
    out.log_line("api | ", program=printed.decode(errors="surrogateescape"))
    assert stream.buffer.getvalue() == b"api | " + printed + b"\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("stays", [False, True])
def test_a_log_without_a_reader_ends_the_command_unless_that_looks_itself(
    stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = list[str]()
    monkeypatch.setattr("devctl.ui.out._end_main", lambda: ended.append("ended"))

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Broken())
    human = renderer()
    if stays:
        human.emit(Ready("ready"))
    for line in ("one", "two"):
        human.emit(LogLine("api", "stdout", line))
    assert human.reader_gone and ended == ([] if stays else ["ended"])


def test_a_step_that_takes_long_is_told_of_until_it_is_over() -> None:
    said: queue.Queue[str] = queue.Queue()
    lock = threading.RLock()
    reminder = Reminder(said.put, lock=lock, every=0.001)
    with lock:
        reminder.start("build app")
    assert said.get(timeout=30) == "  still running after 0.001 s: build app"
    assert said.get(timeout=30) == "  still running after 0.002 s: build app"
    with lock:
        reminder.clear()
        told = said.qsize()
    with lock:  # one that waited for the lock meanwhile says nothing
        assert said.qsize() == told
