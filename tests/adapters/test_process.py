"""Processes for real: output, missing programs, time-outs, Ctrl-C passed on once, followers and children that outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.system import process
from devctl.adapters.system.process import SystemProcesses
from devctl.errors import InterruptedByUser, MachineError

RUN = SystemProcesses()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_is_captured_and_handed_on_line_by_line() -> None:
    lines: list[str] = []
    done = RUN.run(
        python("import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"), on_line=lines.append
    )
    assert (done.code, done.stdout, done.stderr) == (3, "one\n", "two\n")
    assert sorted(lines) == ["one", "two"]


def test_a_program_that_is_not_there_is_a_code_not_an_exception() -> None:
    assert RUN.run(["no-such-program-anywhere"]).code == 127
    assert RUN.attach(["no-such-program-anywhere"], stop=["true"]) == 127


def test_stdin_is_given_and_closed() -> None:
    assert RUN.run(["cat"], stdin=b"hello").stdout == "hello"


def test_a_child_need_not_read_what_it_is_given() -> None:
    """A pipe takes 64 KiB; the rest is in our own buffer when the child ends."""
    assert RUN.run(["sh", "-c", "sleep 0.2; exit 3"], stdin=b"x" * (2**16 + 100)).code == 3


def test_the_time_that_ran_out_is_124() -> None:
    assert RUN.run(["sleep", "300"], timeout=0.2).code == 124


def test_a_program_of_which_nothing_is_said_has_a_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWERS_WITHIN", 0.2)
    with pytest.raises(MachineError) as caught:
        RUN.run(["sleep", "300"])
    assert str(caught.value) == "`sleep 300` did not finish within 0.2 s"


STUBBORN = """
trap : INT TERM
sh -c 'trap : INT TERM; while :; do sleep 1; done' &
echo $!
while :; do sleep 1; done
"""


def test_what_hears_no_signal_is_killed_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATE_AFTER", 0.3)
    done = RUN.run(["sh", "-c", STUBBORN], timeout=3)
    assert done.code == 124
    pid = int(done.stdout)
    until(lambda: gone(pid))


def until(good: Callable[[], bool], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not good():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Terminated, although nobody may have asked for the result yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_no_shell_reads_the_words() -> None:
    assert RUN.run(["echo", "$HOME; `id`"]).stdout == "$HOME; `id`\n"


INTERRUPTED = """
import sys
sys.path.insert(0, {root!r})
from devctl.adapters.system.process import SystemProcesses
from devctl.errors import InterruptedByUser
child = "import signal, sys, time; seen = []; signal.signal(2, lambda *a: seen.append(1)); print('up', flush=True)\\n" \\
        "while not seen: time.sleep(0.01)\\ntime.sleep(0.8); print('tidied', len(seen), flush=True)"
try:
    SystemProcesses().run([sys.executable, "-c", child], on_line=lambda line: print(line, flush=True))
except InterruptedByUser:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_goes_to_the_child_once_and_it_may_tidy_up(number: int) -> None:
    root = str(Path(__file__).parents[2])
    us = subprocess.Popen(
        python(INTERRUPTED.format(root=root)), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert us.stdout is not None
    assert us.stdout.readline() == "up\n"
    os.killpg(us.pid, number)  # as a terminal does: to the whole group, of which the child is none
    out, _ = us.communicate(timeout=60)
    assert out.splitlines() == ["tidied 1", "interrupted"]


def test_a_second_ctrl_c_kills() -> None:
    root = str(Path(__file__).parents[2])
    stubborn = INTERRUPTED.replace("time.sleep(0.8)", "print('heard', flush=True); time.sleep(600)")
    us = subprocess.Popen(python(stubborn.format(root=root)), stdout=subprocess.PIPE, text=True)
    assert us.stdout is not None
    assert us.stdout.readline() == "up\n"
    us.send_signal(signal.SIGINT)
    assert us.stdout.readline() == "heard\n"  # two that come at once are one signal
    us.send_signal(signal.SIGINT)
    out, _ = us.communicate(timeout=60)
    assert out.splitlines() == ["interrupted"]


def test_one_ctrl_c_is_enough_for_a_program_that_does_not_hear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATE_AFTER", 0.3)
    with pytest.raises(InterruptedByUser):  # it would go on for ever
        RUN.run(["sh", "-c", STUBBORN], on_line=lambda line: os.kill(os.getpid(), signal.SIGINT))


def test_in_a_thread_there_are_no_signals_to_shield() -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(RUN.run(["echo", "x"]).stdout))
    thread.start()
    thread.join(60)
    assert found == ["x\n"]


def test_an_exception_of_the_listener_ends_the_child() -> None:
    with pytest.raises(InterruptedByUser):
        raise_in_run()


def raise_in_run() -> None:
    up = threading.Event()

    def boom() -> None:
        up.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=boom, daemon=True).start()
    RUN.run(["sh", "-c", "echo up; exec sleep 600"], on_line=lambda line: up.set())


def test_a_follower_hands_on_lines_and_ends_its_child() -> None:
    lines: list[tuple[str, str]] = []
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with RUN.follow(python(code), on_line=lambda stream, line: lines.append((stream, line))) as alive:
        until(lambda: bool(lines))
        assert alive()
    pid = int(lines[0][1])
    assert lines[0][0] == "stdout"
    assert not Path(f"/proc/{pid}").exists()


def test_a_follower_notices_that_its_child_ended() -> None:
    with RUN.follow(["true"], on_line=lambda stream, line: None) as alive:
        until(lambda: not alive())


def test_a_spawned_process_has_a_session_of_its_own_and_writes_to_files(tmp_path: Path) -> None:
    code = "import os, time; print(os.getsid(0) == os.getpid(), flush=True); time.sleep(60)"
    pid = RUN.spawn(python(code), cwd=tmp_path, out=tmp_path / "out", err=tmp_path / "err")
    try:
        until(lambda: (tmp_path / "out").read_text() == "True\n")
        assert not RUN.ended(pid)
    finally:
        RUN.terminate(pid)
        until(lambda: RUN.ended(pid))
    assert RUN.ended(pid)
    RUN.terminate(pid)  # gone already: nothing happens


def _interrupt_us(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_interrupt_gets_through_and_the_next_ones_are_lost(number: int) -> None:
    before = signal.getsignal(number)
    with RUN.one_interrupt():
        with pytest.raises(KeyboardInterrupt):
            _interrupt_us(number)
        _interrupt_us(number)
        done = RUN.run(python("print('whole')"), on_line=lambda line: _interrupt_us(number))
        assert (done.code, done.stdout) == (0, "whole\n"), "the child got no signal either"
    assert signal.getsignal(number) is before


def test_one_interrupt_that_ended_a_child_was_the_one() -> None:
    slow = python("import time; print('up', flush=True); time.sleep(60)")
    with RUN.one_interrupt():
        with pytest.raises(InterruptedByUser):
            RUN.run(slow, on_line=lambda line: _interrupt_us())
        _interrupt_us()
        assert RUN.run(python("pass")).code == 0


def test_no_interrupt_gets_through_once_that_was_said() -> None:
    with RUN.one_interrupt() as no_more:
        no_more()
        _interrupt_us()
        assert RUN.run(python("print('up')"), on_line=lambda line: _interrupt_us()).code == 0
    with pytest.raises(KeyboardInterrupt):
        _interrupt_us()


def test_where_nothing_interrupts_ctrl_c_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs and what comes after it gets seconds, and mere waiting learns of it."""
    monkeypatch.setattr(process, "HURRIED_WITHIN", 0.5)
    slow = python("import time; print('up', flush=True); time.sleep(600)")
    with RUN.one_interrupt() as no_more:
        no_more()
        assert RUN.run(python("pass")).code == 0
        assert not RUN.hurried()
        began = time.monotonic()
        assert RUN.run(slow, on_line=lambda line: _interrupt_us(), timeout=600).code == 124
        assert RUN.hurried()
        assert RUN.run(slow, timeout=600).code == 124
        assert time.monotonic() - began < 60
    assert not RUN.hurried()


def test_output_without_end_is_refused_by_one_who_needs_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WHOLE", 3_000_000)
    for endless in (["yes"], ["cat", "/dev/zero"]):
        with pytest.raises(MachineError) as caught:
            RUN.run(endless, timeout=60)
        assert caught.value.code == "output-too-long"
        assert str(caught.value) == f"the output of `{' '.join(endless)}` is too long: more than 3 MB"


def test_of_a_log_the_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WHOLE", 1000)
    monkeypatch.setattr(process, "LAST", 20)
    code = "for n in range(1000): print(n)"
    done = RUN.run(python(code), last=9)
    assert (done.stdout, done.cut) == ("998\n999\n", True)
    assert not RUN.run(python("print(1)"), last=9).cut
    lines: list[str] = []
    done = RUN.run(python(code), on_line=lines.append)
    assert (done.stdout, lines) == ("995\n996\n997\n998\n999\n", [str(n) for n in range(1000)])


def test_a_line_without_end_is_handed_on_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LINE", 4)
    lines: list[str] = []
    done = RUN.run(["printf", "%s", "123456789"], on_line=lines.append)
    assert (lines, done.stdout) == (["1234", "5678", "9"], "123456789")


@pytest.mark.parametrize("follows", [False, True])
def test_nothing_is_lost_to_a_slow_listener(*, follows: bool) -> None:
    """As long as a pager shows nothing new, printing waits, and so do we."""
    lines: list[str] = []
    go_on = threading.Event()

    def slow(line: str) -> None:
        go_on.wait(30)
        lines.append(line)

    threading.Timer(3.5, go_on.set).start()  # longer than what is waited for a pipe that says nothing
    if follows:
        with RUN.follow(["printf", r"1\n2\n3\n"], on_line=lambda _, line: slow(line)) as alive:
            until(lambda: not alive())
    else:
        RUN.run(["printf", r"1\n2\n3\n"], on_line=slow)
    end = "\n" if follows else ""
    assert lines == [f"1{end}", f"2{end}", f"3{end}"]


MEETS = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.01)
"""
TIDIES = """
import signal, sys, time
def tidy(*_):
    print("tidied", flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, tidy)
print("up", flush=True)
time.sleep(60)
"""


def test_works_are_done_side_by_side(tmp_path: Path) -> None:
    names = [str(tmp_path / "a"), str(tmp_path / "b")]
    codes: list[int] = []
    works = [
        lambda pair=pair: codes.append(RUN.run([*python(MEETS), *pair], timeout=60).code)  # type: ignore[misc]
        for pair in (names, names[::-1])
    ]
    RUN.side_by_side(works, at_once=2)
    assert codes == [0, 0]


def test_of_works_as_many_are_done_at_once_as_was_said_and_in_their_order() -> None:
    seen: list[str] = []

    def work(name: str) -> None:
        seen.append(f"{name} begins")
        RUN.run(python("pass"))
        seen.append(f"{name} ends")

    RUN.side_by_side([lambda: work("a"), lambda: work("b")], at_once=1)
    assert seen == ["a begins", "a ends", "b begins", "b ends"]


def test_the_first_work_that_fails_ends_the_others_and_is_raised() -> None:
    up, said, never = threading.Event(), list[str](), list[str]()

    def slow() -> None:
        def line(text: str) -> None:
            said.append(text)
            up.set()

        RUN.run(python(TIDIES), on_line=line, timeout=60)
        said.append("went on")

    def fails() -> None:
        up.wait(30)
        raise MachineError("this one", code="x", hint="y")

    with pytest.raises(MachineError, match="this one"):
        RUN.side_by_side([slow, fails, lambda: never.append("begun")], at_once=2)
    assert (said, never) == (["up", "tidied"], [])
    assert RUN.run(python("pass")).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_works(number: int) -> None:
    said: list[str] = []
    both = threading.Barrier(2, action=lambda: _interrupt_us(number))

    def line(text: str) -> None:
        said.append(text)
        if text == "up":
            both.wait(30)

    work = lambda: RUN.run(python(TIDIES), on_line=line, timeout=60)  # noqa: E731
    with RUN.one_interrupt(), pytest.raises(InterruptedByUser):
        RUN.side_by_side([work, work, work], at_once=2)
    assert sorted(said) == ["tidied", "tidied", "up", "up"]


ATTACHED = """
import sys
sys.path.insert(0, {root!r})
from devctl.adapters.system.process import SystemProcesses
from devctl.errors import InterruptedByUser
try:
    print("code", SystemProcesses().attach({child!r}, stop={stop!r}), flush=True)
except InterruptedByUser:
    print("interrupted", flush=True)
"""
LIKE_DOCKER = """
import os, pathlib, signal, sys, time
signal.signal(2, lambda *a: sys.exit(0))
print("up", flush=True)
while not pathlib.Path("stop").exists():
    time.sleep(0.01)
print("stopped there", flush=True)
"""


def attached(folder: Path, stop: list[str], child: str = LIKE_DOCKER) -> subprocess.Popen[str]:
    """Its input and output are no terminal; returns once the child is up."""
    code = ATTACHED.format(root=str(Path(__file__).parents[2]), child=python(child), stop=stop)
    us = subprocess.Popen(
        python(code), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    assert us.stdout is not None and us.stdout.readline() == "up\n"
    return us


@pytest.mark.parametrize("whole_group", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_what_an_attached_child_stands_for(
    tmp_path: Path, number: int, *, whole_group: bool
) -> None:
    us = attached(tmp_path, ["sh", "-c", "echo once >>calls; touch stop"])
    us.send_signal(number)
    if whole_group:  # as `timeout` does
        os.killpg(us.pid, number)
    out, _ = us.communicate(timeout=60)
    assert out.splitlines() == ["stopped there", "interrupted"]
    assert (tmp_path / "calls").read_text() == "once\n"


@pytest.mark.parametrize("stop", [["false"], ["no-such-program-anywhere"]])
def test_an_attached_child_that_cannot_be_stopped_is_interrupted(tmp_path: Path, stop: list[str]) -> None:
    """What docker then returns is 0."""
    us = attached(tmp_path, stop)
    us.send_signal(signal.SIGTERM)
    assert us.communicate(timeout=60)[0].splitlines() == ["interrupted"]


def test_a_stop_that_a_signal_has_hit_is_tried_again(tmp_path: Path) -> None:
    us = attached(tmp_path, ["sh", "-c", "[ -e hit ] || { touch hit; kill -INT $$; }; touch stop"])
    us.send_signal(signal.SIGINT)
    assert us.communicate(timeout=60)[0].splitlines() == ["stopped there", "interrupted"]


def test_a_second_ctrl_c_waits_for_no_stop(tmp_path: Path) -> None:
    us = attached(tmp_path, ["sleep", "300"])
    began = time.monotonic()
    us.send_signal(signal.SIGINT)
    time.sleep(0.3)
    us.send_signal(signal.SIGINT)
    assert us.communicate(timeout=60)[0].splitlines() == ["interrupted"]
    assert time.monotonic() - began < 60


def test_an_attached_child_is_killed_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATE_AFTER", 0.3)
    lines: list[tuple[str, str]] = []

    def hear(stream: str, line: str) -> None:
        lines.append((stream, line))
        _interrupt_us()

    with pytest.raises(InterruptedByUser):
        RUN.attach(["sh", "-c", STUBBORN], stop=["true"], on_line=hear)
    until(lambda: gone(int(lines[0][1])))


def test_an_attached_child_reads_our_input_and_its_lines_have_their_stream(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("hello\n")
    lines: list[tuple[str, str]] = []
    before = os.dup(0)
    try:
        with given.open() as file:
            os.dup2(file.fileno(), 0)
        code = RUN.attach(
            ["sh", "-c", "cat; echo no >&2; exit 3"], stop=["true"], on_line=lambda s, line: lines.append((s, line))
        )  # fmt: skip
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert (code, sorted(lines)) == (3, [("stderr", "no"), ("stdout", "hello")])
