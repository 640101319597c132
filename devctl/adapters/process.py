"""The only place that starts processes: argv lists, no shell, a designed end on Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from devctl.adapters import host
from devctl.domain.ports import Finished
from devctl.errors import InterruptedByUser

TERMINATE_AFTER = 10.0
"""Seconds a child may take to tidy up after SIGINT or SIGTERM before the next rung of the ladder."""


class SystemProcesses:
    """`Processes` on the operating system."""

    def __init__(self) -> None:
        self._guard = _Guard()

    @contextlib.contextmanager
    def one_interrupt(self) -> Iterator[Callable[[], None]]:
        guard = _Guard(armed=True)
        before, self._guard = self._guard, guard
        try:
            with _handled(guard.interrupt):
                yield guard.deafen
        finally:
            self._guard = before

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
    ) -> Finished:
        try:
            child = _start(argv, cwd=cwd, env=env, stdin=stdin is not None)
        except FileNotFoundError:
            return Finished(127, "", f"{argv[0]}: program not found")
        with _shield(child, self._guard) as interrupted:
            try:
                out, err, timed_out = _drain(child, on_line=on_line, stdin=stdin, timeout=timeout)
            except BaseException:
                _end(child)
                raise
        if interrupted:
            raise interrupted_error()
        return Finished(124 if timed_out else child.returncode, out, err)

    def attach(self, argv: Sequence[str], *, cwd: Path | None = None) -> int:
        try:
            child = subprocess.Popen(list(argv), cwd=cwd, env=host.child_environment())
        except FileNotFoundError:
            return 127
        previous = _ignore_interrupts()
        try:
            return child.wait()
        finally:
            _restore(previous)

    def follow(
        self, argv: Sequence[str], *, on_line: Callable[[str, str], None]
    ) -> AbstractContextManager[Callable[[], bool]]:
        return _follow(argv, on_line)

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path, err: Path) -> int:
        with out.open("wb") as stdout, err.open("wb") as stderr:
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=host.child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        child.returncode = 0  # it outlives us on purpose: no "still running" warning at exit
        return child.pid

    def terminate(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def interrupted_error() -> InterruptedByUser:
    return InterruptedByUser("interrupted", code="interrupted", hint="devctl status shows what still runs")


def _start(
    argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str] | None, stdin: bool
) -> subprocess.Popen[bytes]:
    # A process group of its own: Ctrl-C on a terminal reaches only us, and we pass it on exactly once.
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=host.child_environment(env),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )


def _drain(
    child: subprocess.Popen[bytes],
    *,
    on_line: Callable[[str], None] | None,
    stdin: bytes | None,
    timeout: float | None,
) -> tuple[str, str, bool]:
    kept: tuple[list[str], list[str]] = ([], [])
    pipes = (child.stdout, child.stderr)
    readers = [
        threading.Thread(target=_read, args=(pipe, into, on_line), daemon=True)
        for pipe, into in zip(pipes, kept, strict=True)
        if pipe is not None
    ]
    for reader in readers:
        reader.start()
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(stdin or b"")
        child.stdin.close()
    timed_out = False
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        _end(child)
    for reader in readers:
        reader.join(2)
    return "".join(kept[0]), "".join(kept[1]), timed_out


def _read(pipe: IO[bytes], into: list[str], on_line: Callable[[str], None] | None) -> None:
    with pipe:
        for raw in pipe:
            line = raw.decode(errors="replace")
            into.append(line)
            if on_line is not None:
                on_line(line.rstrip("\r\n"))


@dataclass(slots=True)
class _Guard:
    """While `armed`, one interruption gets through; `deaf`: it has, or none may any more."""

    armed: bool = False
    deaf: bool = False

    def deafen(self) -> None:
        self.deaf = self.armed

    def interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if not self.deaf:
            self.deafen()
            raise KeyboardInterrupt


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """SIGINT and SIGTERM go to `handler`. Only a main thread may say so; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextlib.contextmanager
def _shield(child: subprocess.Popen[bytes], guard: _Guard) -> Iterator[list[int]]:
    """While the child runs Ctrl-C goes to it, once; a second one kills it. Yields the list of signals seen.

    CPython would kill the child 0.25 s after Ctrl-C, in the middle of its tidying up.
    """
    seen: list[int] = []

    def pass_on(signum: int, frame: FrameType | None) -> None:
        del frame
        seen.append(signum)
        guard.deafen()
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT if len(seen) == 1 else signal.SIGKILL)

    if (
        guard.deaf
    ):  # the handler around it swallows what comes, and the child is in a process group of its own
        yield seen
        return
    with _handled(pass_on):
        yield seen


def _ignore_interrupts() -> Callable[[int, FrameType | None], object] | int | None:
    # A do-nothing handler, not SIG_IGN: an ignored signal would stay ignored in the child.
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, lambda number, frame: None)


def _restore(previous: Callable[[int, FrameType | None], object] | int | None) -> None:
    if previous is not None:
        signal.signal(signal.SIGINT, previous)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask, wait, terminate, wait, kill."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(TERMINATE_AFTER if number is not signal.SIGKILL else None)
            return


@contextlib.contextmanager
def _follow(argv: Sequence[str], on_line: Callable[[str, str], None]) -> Iterator[Callable[[], bool]]:
    child = _start(argv, cwd=None, env=None, stdin=False)
    readers = [
        threading.Thread(target=_pump, args=(pipe, name, on_line), daemon=True)
        for pipe, name in ((child.stdout, "stdout"), (child.stderr, "stderr"))
    ]
    for reader in readers:
        reader.start()
    try:
        yield lambda: child.poll() is None
    finally:
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(2)
            if child.poll() is None:
                child.kill()
                child.wait()
        for reader in readers:
            reader.join(1)


def _pump(pipe: IO[bytes] | None, name: str, on_line: Callable[[str, str], None]) -> None:
    if pipe is None:
        return
    with pipe:
        for raw in pipe:
            on_line(name, raw.decode(errors="replace").rstrip("\r\n"))
