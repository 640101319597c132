"""Environment, terminal, clock and sockets of this machine: read here, passed on as facts."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from devctl.adapters.inputs.asked import note_variable, variables
from devctl.adapters.system.border import bordered
from devctl.domain.project.control_characters import in_one_line
from devctl.errors import MachineError, UsageError

# Each variable has its reason; the rest of the caller's environment is passed on unchanged.
_CHILD_DEFAULTS = {
    "COMPOSE_MENU": "false",
    "COMPOSE_ANSI": "never",
    "DOCKER_CLI_HINTS": "false",
    # Both make compose run git in the project's folder, which then obeys that folder's .git/config: a container with the
    # source mounted can write a command into it (`url.<ext::…>.insteadOf`, docs/explanation/security.md).
    "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
    "BUILDX_GIT_INFO": "false",
}
_SEARCH_PATHS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Variables with search paths for code; in each, an empty or relative entry means the working directory."""
_discarded = threading.Event()
"""Set once a write has found that the reader of stdout is gone: what stdout is then says nothing about it."""


def leave_removed_folder(project: Path | None) -> None:
    """A shell can be in a folder that was removed, and Python needs the working directory for every relative path. If the
    project is named explicitly, this process uses that folder instead."""
    if project is not None and project.is_absolute():
        try:
            Path.cwd()
        except FileNotFoundError:
            os.chdir(project)


def search_only_absolute_paths() -> None:
    """Remove empty and relative entries from this process's search paths, before anything is started from it.

    For the whole process and not just for children that devctl starts: libraries start programs too, and children start
    others.
    """
    for name in _SEARCH_PATHS:
        entries = os.environ.get(name, "").split(os.pathsep)
        absolute = [entry for entry in entries if Path(entry).is_absolute()]
        if absolute:
            os.environ[name] = os.pathsep.join(absolute)
        else:  # an empty PATH is one empty entry; without the variable the system's own folders are searched
            os.environ.pop(name, None)


def python(module: str) -> list[str]:
    """The command line that runs a module with this Python, without looking for it in the working directory.

    `-m` alone puts that folder first on `sys.path`, and a `typer.py` in a repository would run. `-P` and not `-I`, which also
    drops the user's site-packages, where `pip install --user devctl` puts it.
    https://docs.python.org/3/using/cmdline.html#cmdoption-P
    """
    return [sys.executable, "-P", "-m", module]


def child_environment(
    extra: Mapping[str, str] | None = None, *, only: Collection[str] | None = None
) -> dict[str, str]:
    """The environment of every process that devctl starts: the caller's, devctl's defaults for what it does not set, `extra`.

    `only`: the caller's variables that it gets; None: all.
    """
    ours = os.environ if only is None else {k: v for k, v in os.environ.items() if k in only}
    return {**_CHILD_DEFAULTS, **ours, **(extra or {})}


def reads_terminal() -> bool:
    """Whether the input is a terminal."""
    return os.isatty(0)


@bordered()
class SystemHost:
    """`Host` on the operating system."""

    def __init__(self, *, asking: Callable[[], None] = lambda: None) -> None:
        """`asking`: called before each question, so that nothing else is written in its line."""
        self._asking = asking

    def env(self, name: str) -> str | None:
        note_variable(name)
        return os.environ.get(name)

    def asked(self) -> frozenset[str]:
        return variables()

    def cwd(self) -> Path:
        try:
            return Path.cwd()
        except FileNotFoundError:
            raise UsageError(
                "the current folder no longer exists",
                code="project-dir-missing",
                hint="cd to an existing folder, or name the project: devctl -C DIR",
            ) from None

    def is_linux(self) -> bool:
        return sys.platform == "linux"

    def interactive(self) -> bool:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def has_input(self) -> bool:
        try:
            found = os.fstat(0)
        except OSError:
            return False
        return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev)

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
        prompt = in_one_line(prompt)
        try:
            if secret:
                import getpass

                return getpass.getpass(prompt).strip()
            sys.stderr.write(prompt)
            sys.stderr.flush()
            return sys.stdin.readline().strip()
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the question has no line break yet
            raise

    def port_free(self, ip: str, port: int) -> bool:
        """Whether a container could bind it; a privileged port that only this process may not bind counts as free."""
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, port))
            except OSError as error:
                return error.errno != errno.EADDRINUSE
        return True

    def reader_left(self) -> bool:
        if _discarded.is_set():
            return True
        try:
            poll = select.poll()
            # Not sys.stdout: the full view puts something of its own there while it draws.
            poll.register((sys.__stdout__ or sys.stdout).fileno(), 0)
            return bool(poll.poll(0))  # only errors and hang-ups are reported without asking
        except (OSError, ValueError, AttributeError):  # a stream without a file, or None
            return False

    def pid(self) -> int:
        return os.getpid()

    def own_program(self) -> list[str]:
        return python("devctl")


class SystemClock:
    """`Clock` of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def write_state_file(name: str, text: str) -> Path:
    """Write into `$XDG_STATE_HOME/devctl` (else `~/.local/state/devctl`), or a temporary folder if that fails."""
    file = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{name}"
    try:
        folder = state_folder()
        make_private(folder)
        return write_private(folder / file, text)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        import tempfile

        return write_private(Path(tempfile.mkdtemp(prefix="devctl-")) / file, text)


def write_private(path: Path, text: str) -> Path:
    """A new file that only this user can access."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def platform_text() -> str:
    import platform

    return f"Python {platform.python_version()}, {platform.platform()}"


def discard_stdout() -> None:
    """Redirect stdout to nothing: its reader is gone, and flushing at exit would raise again."""
    _discarded.set()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def no_color() -> bool:
    """https://no-color.org: set and not empty. A terminal that calls itself dumb has no colour either."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def opens_links() -> bool:
    """Whether a terminal may support OSC 8. Those that do not ignore such a sequence, except the kernel's console and a dumb
    terminal."""
    return os.environ.get("TERM", "dumb") not in ("dumb", "linux", "unknown")


def file_address(path: Path, line: int, column: int) -> str | None:
    """What opens a file: in the terminal of VS Code at its line, elsewhere whatever opens such files; None if there is
    nothing."""
    from urllib.parse import quote

    if not path.is_file():
        return None
    quoted = quote(str(path.absolute()))
    if os.environ.get("TERM_PROGRAM") == "vscode":
        return f"vscode://file{quoted}:{line}:{column or 1}"
    return f"file://{quote(socket.gethostname())}{quoted}"


def moves_its_cursor() -> bool:
    """Whether the terminal can redraw a line in place: a dumb one cannot, and an unknown one may not."""
    return os.environ.get("TERM", "dumb") not in ("", "dumb")


def shows_utf8() -> bool:
    """Whether the locale says so. Python itself sets LC_CTYPE to C.UTF-8 where it finds none, which says nothing of the terminal
    (https://peps.python.org/pep-0538/)."""
    said = os.environ.get("LC_CTYPE", "")
    words = os.environ.get("LC_ALL") or (said if said != "C.UTF-8" else "") or os.environ.get("LANG", "")
    return words.lower().replace("-", "").endswith("utf8")


def shows_windows() -> bool:
    """Whether a browser could open a window here; $BROWSER also names a helper that opens it elsewhere."""
    return sys.platform == "darwin" or any(
        os.environ.get(n) for n in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )


def home_folder() -> Path:
    try:
        return _home()
    except RuntimeError as error:
        raise MachineError(
            f"this user has no home folder: {error}", code="no-home", hint="export HOME=/a/folder/of/yours"
        ) from None


def _home() -> Path:
    """Raises RuntimeError if there is none. A relative one would be in the project, where containers write."""
    home = Path.home()
    if not home.is_absolute():
        raise RuntimeError(f"HOME is the relative path {str(home)!r}")
    return home


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/devctl`, else `~/.cache/devctl`. Raises MachineError `no-home`."""
    return (_named("XDG_CACHE_HOME") or home_folder() / ".cache") / "devctl"


def make_private(folder: Path) -> None:
    """Create the folder and its missing parents with access only for their owner; `mkdir(parents=True)` would leave the
    parents open."""
    for one in (*reversed(folder.parents), folder):
        if not one.is_dir():
            one.mkdir(mode=0o700, exist_ok=True)


def state_folder() -> Path:
    """`$XDG_STATE_HOME/devctl`, else `~/.local/state/devctl`. Raises RuntimeError for a user without a home."""
    return (_named("XDG_STATE_HOME") or _home() / ".local/state") / "devctl"


def _named(variable: str) -> Path | None:
    """A relative path counts as unset, as the XDG Base Directory Specification says."""
    path = Path(os.environ.get(variable) or "")
    return path if path.is_absolute() else None
