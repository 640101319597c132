"""The only place that starts processes: argv lists, no shell, a defined shutdown on Ctrl-C."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from msgspec import Struct, field

from devctl.adapters.system import host, left_over
from devctl.adapters.system.border import bordered
from devctl.domain.ports.toolbox import Finished, Running
from devctl.errors import InterruptedByUser, MachineError

ANSWERS_WITHIN = 60.0
"""Seconds that a program may take by default: an engine that hangs must not block anyone for ever."""
TERMINATE_AFTER = 10.0
"""Seconds a child may take to clean up after SIGINT or SIGTERM before the next step of the ladder."""
WHOLE = 64_000_000
"""Bytes of a stream kept for a caller that needs all of it, such as the model of a hundred services."""
LAST = 4_000_000
"""Bytes kept from the end of a stream that was handed on, or is a log."""
LINE = 1_000_000
"""Bytes after which a line is handed on even without a line break."""
SAME_SIGNAL = 0.1
"""Seconds within which a second signal is not a second Ctrl-C."""
HURRIED_WITHIN = 20.0
"""Seconds for each program that must not be interrupted while something is restored, once Ctrl-C was pressed."""


@bordered(writes=("spawn",))
class SystemProcesses:
    """`Processes` on the operating system."""

    def __init__(self) -> None:
        self._guard = _Guard()

    def hurried(self) -> bool:
        return self._guard.hurried

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
        only: Collection[str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        last: int | None = None,
    ) -> Finished:
        ending = _Ending()
        last = LAST if last is None and on_line is not None else last
        kept = {name: _Kept(ending, last) for name in ("stdout", "stderr")}
        within = ANSWERS_WITHIN if timeout is None else timeout

        def take(stream: str, raw: bytes) -> None:
            kept[stream].add(raw)
            if on_line is not None:
                on_line(raw.decode(errors="replace").rstrip("\r\n"))

        together: _Together | None = getattr(_thread, "together", None)
        # Shielded before it starts: a child that nobody waits for would keep running by itself.
        shield = together.holding(ending) if together is not None else _shield(ending, self._guard)
        with shield as interrupted:
            try:
                environment = host.child_environment(env, only=only)
                child = _start(argv, cwd=cwd, env=environment, stdin=stdin is not None)
            except _NOT_STARTED as error:
                return _not_started(argv, error, cwd)
            with ending.of(child, after=min(within, HURRIED_WITHIN) if self._guard.hurried else within):
                if interrupted.is_set():
                    ending.begin()
                _drain(child, _readers(child, take), stdin)
        if ending.begun:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # a docker plugin outlives docker
        if interrupted.is_set():
            raise InterruptedByUser
        if any(stream.too_long for stream in kept.values()):
            raise _too_long(argv)
        out, err = (stream.text() for stream in kept.values())
        if not ending.begun:
            cut = any(stream.cut for stream in kept.values())
            return Finished(child.returncode, out, err, cut=cut)
        if timeout is None:
            raise no_answer(argv, within)
        return Finished(124, out, err)

    def side_by_side(self, works: Sequence[Callable[[], None]], *, at_once: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        together = _Together()
        with _shield(together, self._guard) as interrupted, ThreadPoolExecutor(at_once) as pool:
            for work in works:
                pool.submit(together.do, work)
        if interrupted.is_set():
            raise InterruptedByUser
        if together.error is not None:
            raise together.error

    def attach(
        self,
        argv: Sequence[str],
        *,
        stop: Sequence[str],
        on_line: Callable[[str, str], None] | None = None,
    ) -> int:
        # Only the foreground process group may read from a terminal; otherwise devctl alone gets the signals.
        shared = host.reads_terminal()
        ending = _Stopping(stop=stop, shared=shared)
        pipe = None if on_line is None else subprocess.PIPE

        def take(stream: str, raw: bytes) -> None:
            if on_line is not None:
                on_line(stream, raw.decode(errors="replace").rstrip("\r\n"))

        with _shield(ending, self._guard) as interrupted:
            try:
                child = subprocess.Popen(
                    list(argv),
                    env=host.child_environment(),
                    stdout=pipe,
                    stderr=pipe,
                    process_group=None if shared else 0,
                )
            except _NOT_STARTED as error:
                return _not_started(argv, error, None).code
            with ending.of(child, after=math.inf):
                if interrupted.is_set():
                    ending.begin()
                _drain(child, _readers(child, take), None)
            ending.join()
        if interrupted.is_set():
            raise InterruptedByUser
        return child.returncode

    @contextlib.contextmanager
    def follow(
        self,
        argv: Sequence[str],
        *,
        on_line: Callable[[str, str], None],
        together: bool = False,
        attended: bool = False,
    ) -> Iterator[Running]:
        try:
            environment = host.child_environment()
            child = _start(argv, cwd=None, env=environment, stdin=attended, together=together)
        except _NOT_STARTED as error:
            on_line("stderr", _not_started(argv, error, None).stderr)
            yield _Running(None)
            return
        readers = _readers(child, lambda name, raw: on_line(name, raw.decode(errors="surrogateescape")))
        try:
            yield _Running(child)
        finally:
            ended_by_us = child.poll() is None
            if child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(TERMINATE_AFTER)
            if child.poll() is None:
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(2)
                if child.poll() is None:
                    child.kill()
                    child.wait()
            for reader in readers:
                reader.finish(1 if ended_by_us else None)

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path | int, err: Path | int) -> int:
        # `open`, since a descriptor has no path
        with open(out, "wb") as stdout, open(err, "wb") as stderr:  # noqa: PTH123
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=host.child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        child.returncode = 0  # it outlives this process on purpose: no "still running" warning at exit
        return child.pid

    def ended(self, pid: int) -> bool:
        try:
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            return True

    def end_left_over(self, root: Path) -> None:
        left_over.end_left_over(root)

    def terminate(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


# ValueError: a NUL byte in a word, which cannot be passed to any program
_NOT_STARTED = (OSError, ValueError)


def _not_started(argv: Sequence[str], error: OSError | ValueError, cwd: Path | None) -> Finished:
    """As in a shell: 127 for a program that does not exist, 126 for one that cannot be started."""
    if cwd is not None and not cwd.is_dir():
        return Finished(126, "", f"{argv[0]}: the folder {cwd} does not exist", started=False)
    if isinstance(error, FileNotFoundError):
        return Finished(127, "", f"{argv[0]}: program not found", started=False)
    said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return Finished(126, "", f"{argv[0]}: cannot be started: {said.lower()}", started=False)


def _start(
    argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], stdin: bool, together: bool = False
) -> subprocess.Popen[bytes]:
    # A separate process group: Ctrl-C on a terminal reaches only devctl, which passes it on exactly once.
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        process_group=0,
    )


def no_answer(argv: Sequence[str], within: float) -> MachineError:
    said = " ".join(argv[:2])
    if argv[0] == "docker":
        return MachineError(
            f"the Docker engine does not answer: `{said}` took more than {within:g} s",
            code="engine-unreachable",
            hint="devctl doctor",
        )
    return MachineError(
        f"`{said}` did not finish within {within:g} s", code="program-hangs", hint=f"run {said} by hand"
    )


def _too_long(argv: Sequence[str]) -> MachineError:
    said = " ".join(argv[:2])
    return MachineError(
        f"the output of `{said}` is too long: more than {WHOLE / 1_000_000:g} MB",
        code="output-too-long",
        hint=f"run {said} by hand to see what fills its output",
    )


def _readers(child: subprocess.Popen[bytes], take: Callable[[str, bytes], None]) -> list[_Reader]:
    """`take` gets each line of both streams, with the name of the stream."""
    pipes = (("stdout", child.stdout), ("stderr", child.stderr))
    return [_Reader(pipe, partial(take, name)) for name, pipe in pipes if pipe is not None]


def _drain(child: subprocess.Popen[bytes], readers: Sequence[_Reader], stdin: bytes | None) -> None:
    # It may have ended before it read everything, and what is still buffered is written on closing.
    with contextlib.suppress(BrokenPipeError), child.stdin or contextlib.nullcontext() as pipe:
        if pipe is not None:
            pipe.write(stdin or b"")
    child.wait()
    for reader in readers:
        reader.finish()


class _Reader:
    """Hands on the lines of a pipe from a thread, in pieces if a line does not end."""

    def __init__(self, pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
        self._pipe, self._take, self._lines, self._taking = pipe, take, 0, False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            while raw := self._pipe.readline(LINE):
                self._taking = True
                self._take(raw)
                self._taking, self._lines = False, self._lines + 1

    def finish(self, within: float | None = None) -> None:
        """Wait until everything the child left has been read, or `within` seconds. A pipe that a grandchild still holds open
        without writing is abandoned."""
        if within is not None:
            self._thread.join(within)
            return
        seen = -1
        while self._thread.is_alive() and (self._taking or self._lines != seen):
            seen = self._lines
            self._thread.join(2)


class _Kept:
    """What a stream printed: all of it, or the last `last` bytes. If it is too much, the child is terminated."""

    def __init__(self, ending: _Ending, last: int | None) -> None:
        self._ending, self._last = ending, last
        self._parts: deque[bytes] = deque()
        self._size = 0
        self.too_long = self.cut = False

    def add(self, raw: bytes) -> None:
        if self.too_long:
            return
        self._parts.append(raw)
        self._size += len(raw)
        if self._last is None:
            if self._size > WHOLE:
                self.too_long = True
                self._parts.clear()
                self._ending.kill()
            return
        while self._size > self._last and len(self._parts) > 1:
            self._size -= len(self._parts.popleft())
            self.cut = True

    def text(self) -> str:
        return b"".join(self._parts).decode(errors="replace")


class _Endable(Struct):
    """Terminates the child on one of devctl's signals."""

    def begin(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def begin_after(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self.begin)
        timer.daemon = True
        if seconds < threading.TIMEOUT_MAX:
            timer.start()
        return timer


class _Ending(_Endable):
    """Terminates a child that does not exit by itself: interrupt, wait, terminate, wait, kill. Driven by threads, so that
    whoever waits for the child need not watch a clock."""

    child: subprocess.Popen[bytes] | None = None
    over: threading.Event = field(default_factory=threading.Event)
    begun: bool = False

    @contextlib.contextmanager
    def of(self, child: subprocess.Popen[bytes], *, after: float) -> Iterator[None]:
        """Starts if the child is still running after `after` seconds; `inf` means never."""
        self.child = child
        timer = self.begin_after(after)
        try:
            yield
        except BaseException:
            self.begin()
            child.wait()
            raise
        finally:
            self.over.set()
            timer.cancel()

    def begin(self) -> None:
        if self.child is None or self.begun or self.over.is_set():
            return
        self.begun = True
        self.child.send_signal(signal.SIGINT)
        threading.Thread(target=self._climb, args=(self.child,), daemon=True).start()

    def _climb(self, child: subprocess.Popen[bytes]) -> None:
        if not self.over.wait(TERMINATE_AFTER):
            child.send_signal(signal.SIGTERM)
        if not self.over.wait(TERMINATE_AFTER):
            self.kill()

    def kill(self) -> None:
        """The child and what it started: a docker plugin outlives a docker that is killed."""
        if self.child is not None and self.child.poll() is None:
            self.begun = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)


class _Stopping(_Ending, kw_only=True):
    """Terminates a child that only stands for what it started elsewhere: `stop` is the command that stops that. The child then
    exits by itself, and is interrupted if it does not. `shared`: in devctl's own process group, which a terminal sends its
    signals to."""

    stop: Sequence[str]
    shared: bool
    _stopper: threading.Thread | None = None
    _hurried: bool = False

    def begin(self) -> None:
        if self.child is None or self.begun or self.over.is_set():
            return
        self.begun = True
        self._stopper = threading.Thread(target=self._stop, args=(self.child,), daemon=True)
        self._stopper.start()

    def join(self) -> None:
        while self._stopper is not None and self._stopper.is_alive() and not self._hurried:
            self._stopper.join(0.05)

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        if (
            self._stops() or self._stops()
        ):  # a signal to devctl's group can hit it before it has a group of its own
            self.over.wait(TERMINATE_AFTER)
        if not self.over.is_set():
            child.send_signal(signal.SIGINT)
            self._climb(child)

    def _climb(self, child: subprocess.Popen[bytes]) -> None:
        super()._climb(child)
        if not self.over.wait(1):
            self.kill()

    def _stops(self) -> bool:
        quiet = subprocess.DEVNULL
        try:
            done = subprocess.run(
                list(self.stop),
                env=host.child_environment(), stdin=quiet, stdout=quiet, stderr=quiet,
                process_group=0, timeout=TERMINATE_AFTER, check=False,
            )  # fmt: skip
        except (*_NOT_STARTED, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def kill(self) -> None:
        """At first it is only terminated: docker then restores the mode of the terminal."""
        before, self._hurried = self._hurried, True
        if self.child is None or self.child.poll() is not None:
            return
        if not before:
            self.child.terminate()
        elif self.shared:
            self.child.kill()
        else:
            super().kill()


_thread = threading.local()
"""`together`: the group of work that this thread belongs to."""


class _Together(_Endable, eq=False):
    """The children of work done side by side: stopping stops all of them, and those that would start afterwards. `error`: the
    first error raised."""

    error: BaseException | None = None
    _endings: list[_Ending] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def do(self, work: Callable[[], None]) -> None:
        _thread.together = self
        if self._ended.is_set():
            return
        try:
            work()
        except BaseException as error:
            self.error = self.error or error
            self.begin()

    @contextlib.contextmanager
    def holding(self, ending: _Ending) -> Iterator[threading.Event]:
        self._endings.append(ending)
        try:
            yield self._ended
        finally:
            self._endings.remove(ending)

    def begin(self) -> None:
        self._ended.set()
        for ending in tuple(self._endings):
            ending.begin()

    def kill(self) -> None:
        for ending in tuple(self._endings):
            ending.kill()


class _Guard(Struct):
    """While `armed`, one interruption gets through; `deaf`: it has, or none may any more; `hurried`: another one came.

    `running`: the child that is being waited for.
    """

    armed: bool = False
    deaf: bool = False
    hurried: bool = False
    running: _Endable | None = None

    def deafen(self) -> None:
        self.deaf = self.armed

    def interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if not self.deaf:
            self.deafen()
            raise KeyboardInterrupt
        if self.running is not None and not self.hurried:
            self.running.begin_after(HURRIED_WITHIN)
        self.hurried = True


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    """These signals go to `handler`: SIGINT and SIGTERM by default. Only the main thread may set handlers; elsewhere nothing
    changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = numbers or (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextlib.contextmanager
def _shield(ending: _Endable, guard: _Guard) -> Iterator[threading.Event]:
    """While it runs, Ctrl-C goes to the child, once; a second one kills it. Yields whether a signal arrived.

    CPython would kill the child 0.25 s after Ctrl-C, in the middle of its clean-up. `timeout` sends its signal to devctl and then
    to devctl's process group, which is one signal here.
    """
    seen, signals = threading.Event(), []

    def pass_on(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        guard.deafen()
        signals.append(time.monotonic())  # the next signal may arrive before `set` has released its lock
        if signals[-1] - signals[0] > SAME_SIGNAL:
            ending.kill()
        elif len(signals) == 1:
            seen.set()
            ending.begin()

    if not guard.deaf:
        with _handled(pass_on):
            yield seen
        return
    # The surrounding handler counts signals, and the child has its own process group.
    if threading.current_thread() is threading.main_thread():
        guard.running = ending
    yield seen


class _Running(Struct, frozen=True):
    """`child`: None if it could not be started."""

    child: subprocess.Popen[bytes] | None

    @property
    def code(self) -> int | None:
        return 127 if self.child is None else self.child.poll()

    def __call__(self) -> bool:
        return self.code is None
