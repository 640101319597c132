"""The program: the `devctl` script, and `python -m devctl`."""

import os
import sys


def main() -> int:
    _open_standard_streams()
    _leave_the_folder()
    from devctl.cli.app import main as run

    return run()


def _open_standard_streams() -> None:
    """`>&-` closes one: Python has None in its place then, and the next file that is opened would get its number."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115  # as long as we live


def _leave_the_folder() -> None:
    """Take the working directory off `sys.path`: what is imported from now on is not a file of the project.

    `python -m` puts it there, and so does an empty or relative entry of PYTHONPATH. It stays where it is our own home or
    Python's. Python itself has imported its start-up modules by then; the script, and `python -P -m`,
    never look there. By os.path: pathlib is not loaded yet.
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
