"""While one error is on its way, what else goes wrong is told beside it and never takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from devctl.domain.ports.host import Reporter
from devctl.errors import DevctlError, InterruptedByUser, Problem


@contextmanager
def beside(reporter: Reporter, what: str) -> Iterator[None]:
    """Best effort while another error is handled: a second one becomes a warning that begins with `what` could not be done;
    one more Ctrl-C only ends this."""
    try:
        yield
    except (KeyboardInterrupt, InterruptedByUser):
        return
    except DevctlError as error:
        problem = replace(error.problem, message=f"{what} failed as well: {error.problem.message}")
        reporter.warn(problem)
    except Exception as error:  # a bug on the way of an error must not hide what the user is to read
        message = f"{what} failed as well: {type(error).__name__}: {error}"
        reporter.warn(Problem("internal-error", message, "devctl status shows what runs now"))
