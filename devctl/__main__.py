"""The program: the `devctl` script, and `python -m devctl`."""

import os
import signal
import sys
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    pressed = _note_signals()
    _open_standard_streams()
    _leave_the_folder()
    from devctl.cli.app import main as run

    code = run(pressed=lambda: bool(pressed))
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # what was reported is final; Python's own end takes a moment
    return code


def _note_signals() -> list[int]:
    """Until the command begins and once it has ended, Ctrl-C and SIGTERM are only noted: an import that one of them breaks off
    shows a traceback, and a report that is written must not be contradicted. Returns the signals noted so far.

    What ignores SIGINT, as a shell's background jobs do, keeps ignoring it.
    """
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    for number in _SIGNALS:
        if number != signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, note)
    return noted


def _open_standard_streams() -> None:
    """`>&-` closes a stream: Python then has None there, and the next file to be opened would get its number."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115  # as long as we live


def _leave_the_folder() -> None:
    """Remove the working directory from `sys.path`, so that nothing imported from now on is a file of the project.

    `python -m` puts it there, and so does an empty or relative entry of PYTHONPATH. It is kept if it is the home of devctl or
    Python. Python itself has already imported its start-up modules; the script, and `python -P -m`, never look there. Uses
    os.path, since pathlib is not loaded yet.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # the folder is gone
        return
    homes = (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__))
    if here not in map(os.path.realpath, homes):
        sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != here]


if __name__ == "__main__":
    sys.exit(main())
