"""Hand a step to compose and turn what comes back into a result or one clear error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devctl.domain.events import Note
from devctl.domain.failures import Asked, explain
from devctl.domain.ports import Finished, Toolbox
from devctl.errors import DevctlError, ProjectError
from devctl.workflows.session import Session

_MADE_ANEW = re.compile(r"is already in use by container|network [0-9a-f]{64} not found")
TAIL = 20
"""Lines of a tool's output shown below an error."""


def build(box: Toolbox, session: Session, service: str, *, no_cache: bool = False) -> None:
    """Build one image. Raises ProjectError `build-failed`, or the entry of the failure dictionary that fits."""
    must(
        box.compose.build(session.model_file, [service], no_cache=no_cache),
        "build",
        what=f"the image of {service}",
    )


def compose_up(box: Toolbox, session: Session, services: Sequence[str], *, no_deps: bool) -> None:
    """Create or recreate containers; heals once what keeps compose from its own: a name that an aborted recreate left
    taken, a container that is tied to a network which was removed, one that is frozen."""
    frozen = [c for c in session.observed.containers if c.service in services and c.state == "paused"]
    box.engine.unpause([c.id for c in frozen])
    done = box.compose.up(session.model_file, services, no_deps=no_deps)
    if done.code != 0 and _MADE_ANEW.search(done.output):
        leftovers = [
            c.id
            for c in box.engine.containers(session.project.name).containers
            if c.service in services and c.state != "running"
        ]
        box.engine.remove_containers(leftovers)
        box.reporter.emit(
            Note(f"the container of {', '.join(services)} could not be started again: made anew")
        )
        done = box.compose.up(session.model_file, services, no_deps=no_deps)
    must(done, "compose", what=", ".join(services))


def must(done: Finished, asked: Asked, *, what: str = "the project") -> Finished:
    """Return what succeeded; otherwise raise the one error that fits it best."""
    if done.code == 0:
        return done
    raise failure(done, asked, what=what)


def failure(done: Finished, asked: Asked, *, what: str) -> DevctlError:
    tail = "\n".join(done.output.strip().splitlines()[-TAIL:])
    known = explain(asked, done.output, exit_code=done.code)
    if known is not None:
        return known.error(detail=tail)
    verb = {"build": "does not build", "compose": "does not start"}.get(asked, "failed")
    return ProjectError(
        f"{what} {verb}",
        code="build-failed" if asked == "build" else "start-failed",
        hint="mend what the lines above name; -v shows the whole output",
        detail=tail,
    )
