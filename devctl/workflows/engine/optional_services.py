"""A dependency that no Go service of the project needs does not prevent them from running: it is left out, with a warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from devctl.domain.compose.depends_on import needed
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import Problem
from devctl.workflows.session.session import Session
from devctl.workflows.session.startable import unstartable


class Missing(Struct, frozen=True):
    """Why a service has no image, in words that go on after `is not running:`, and what fixes it."""

    reason: str
    hint: str
    place: str | None = None


def leave_out(
    reporter: Reporter, session: Session, names: Iterable[str], missing: Mapping[str, Missing]
) -> frozenset[str]:
    """Those of `names` that are optional, and are missing or need a missing one; each is reported as a warning."""
    out = set[str]()
    for name in sorted(session.spare.intersection(names)):
        absent = sorted(needed(session.project.specs, [name]) & missing.keys())
        if absent:
            out.add(name)
            cause = name if name in missing else absent[0]
            reporter.warn(_left_out(name, cause, missing[cause]))
    return frozenset(out)


def without_unstartable(box: Toolbox, session: Session, starting: Iterable[str]) -> frozenset[str]:
    """Those of `starting` that compose could not start, or that need one of them."""
    found = unstartable(box, session, session.spare.intersection(starting))
    problems = {name: error.problem for name, error in found.items()}
    missing = {
        name: Missing(p.message.replace(f"{name} ", "it ", 1), p.hint, p.place)
        for name, p in problems.items()
    }
    return leave_out(box.reporter, session, starting, missing)


def _left_out(name: str, cause: str, missing: Missing) -> Problem:
    reason = missing.reason if name == cause else f"it needs {cause}, but {missing.reason}"
    return Problem(
        "dependency-left-out",
        f"{name} is not running: {reason}; no service of this project needs {name}",
        f"{missing.hint}, then devctl up {name}",
        missing.place,
    )
