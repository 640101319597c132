"""The program: the `devctl` script, and `python -m devctl`."""

import os
import sys


def main() -> int:
    _open_standard_streams()
    _leave_the_folder()
    from devctl.cli.app import main as run

    return run()


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
