"""Environment, terminal, clock and sockets of this machine: read here, handed on as facts."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

# Each variable has its reason; everything else of the caller's environment is passed on as it is.
_CHILD_DEFAULTS = {
    # Without it the containerd image store gives each cached build a new id, and `up` recreates every time.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    # Without buildx compose 2.40 warns about Bake and then builds with its own BuildKit; we ask for that at once.
    "COMPOSE_BAKE": "false",
    "COMPOSE_MENU": "false",
    "COMPOSE_ANSI": "never",
    "DOCKER_CLI_HINTS": "false",
    "DOCKER_BUILDKIT": "1",
}


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every process that we start: the caller's, our defaults where it says nothing, `extra`."""
    return {**_CHILD_DEFAULTS, **os.environ, **(extra or {})}


class SystemHost:
    """`Host` on the operating system."""

    def __init__(self, *, asking: Callable[[], None] = lambda: None) -> None:
        """`asking`: told before each question, so that nothing else is written in its line."""
        self._asking = asking

    def env(self, name: str) -> str | None:
        return os.environ.get(name)

    def cwd(self) -> Path:
        return Path.cwd()

    def is_linux(self) -> bool:
        return sys.platform == "linux"

    def interactive(self) -> bool:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(self, question: str) -> bool:
        if not self.interactive():
            return False
        return self._answer(f"{question} [y/N] ").lower() in ("y", "yes")

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        if not self.interactive():
            return None
        return self._answer(f"{question}: ", secret=secret)

    def _answer(self, prompt: str, *, secret: bool = False) -> str:
        self._asking()
        try:
            if secret:
                import getpass

                return getpass.getpass(prompt).strip()
            sys.stderr.write(prompt)
            sys.stderr.flush()
            return sys.stdin.readline().strip()
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the question has no end of line yet
            raise

    def keys(self) -> AbstractContextManager[Callable[[], str | None]]:
        return _keys(self.interactive())

    def port_free(self, ip: str, port: int) -> bool:
        """Whether a container could bind it; a privileged port that only we may not bind counts as free."""
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, port))
            except OSError as error:
                return error.errno != errno.EADDRINUSE
        return True

    def pid(self) -> int:
        return os.getpid()

    def executable(self) -> str:
        return sys.executable


class SystemClock:
    """`Clock` of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@contextlib.contextmanager
def _keys(interactive: bool) -> Iterator[Callable[[], str | None]]:
    if not interactive:
        yield lambda: None
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)  # not raw: Ctrl-C stays a signal

    def pressed() -> str | None:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return sys.stdin.read(1) if ready else None

    try:
        yield pressed
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def write_state_file(name: str, text: str) -> Path:
    """Write into `$XDG_STATE_HOME/devctl` (else `~/.local/state/devctl`), or a temporary folder where that fails."""
    file = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{name}"
    try:
        folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "devctl"
        folder.mkdir(parents=True, exist_ok=True)
        return _write_private(folder / file, text)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        import tempfile

        return _write_private(Path(tempfile.mkdtemp(prefix="devctl-")) / file, text)


def _write_private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)  # what a report says of a user's machine is the user's
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def platform_text() -> str:
    import platform

    return f"Python {platform.python_version()}, {platform.platform()}"


def discard_stdout() -> None:
    """Point stdout at nothing: its reader is gone, and flushing at exit would raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def no_color() -> bool:
    """https://no-color.org: set and not empty. A terminal that calls itself dumb has none either."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/devctl`, else `~/.cache/devctl`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "devctl"
