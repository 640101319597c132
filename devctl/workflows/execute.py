"""Hand a step to compose and turn what comes back into a result or one clear error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devctl.domain.events import Note
from devctl.domain.failures import Asked, explain
from devctl.domain.needs import needed
from devctl.domain.ports import Finished, Toolbox
from devctl.errors import DevctlError, Problem, ProjectError
from devctl.workflows.session import Session

_MADE_ANEW = re.compile(r"is already in use by container|network [0-9a-f]{64} not found")
NOT_HAD = (
    "registry-unreachable", "image-unknown", "registry-refuses", "rate-limited", "platform-not-had", "base-missing",
)  # fmt: skip
"""Codes of an image that could not be pulled."""
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
    if done.code != 0 and (without := _to_be_had(box, session, services, done)) != list(services):
        services = without
        done = box.compose.up(session.model_file, services, no_deps=no_deps) if services else done
    if services:
        must(done, "compose", what=", ".join(services))


def _to_be_had(box: Toolbox, session: Session, services: Sequence[str], done: Finished) -> list[str]:
    """The services without those that no service of ours needs and whose image cannot be had, each said as a warning."""
    known = explain("compose", done.output, exit_code=done.code)
    if known is None or known.code not in NOT_HAD:
        return list(services)
    specs = session.project.specs
    refs = {d.name: str(specs[d.name].get("image") or "") for d in session.dependencies if not d.image}
    here = box.engine.images(list(refs.values()))
    gone = {name for name, ref in refs.items() if ref not in here}
    spare = {d.name for d in session.dependencies if not d.needed}
    out = [name for name in services if name in spare and needed(specs, [name]) & gone]
    for name in out:
        box.reporter.warn(_left_out(name, refs.get(name, "")))
    return [name for name in services if name not in out]


def left_out(session: Session, name: str) -> frozenset[str]:
    """A dependency whose image is not to be had, and those that need it; nobody where a service of ours is among them."""
    spare = {d.name for d in session.dependencies if not d.needed}
    specs = session.project.specs
    return (
        frozenset(other for other in spare if name in needed(specs, [other]))
        if name in spare
        else frozenset()
    )


def built_from_nothing(name: str, built: str, error: DevctlError) -> Problem:
    """Why a service does not run: `built`, which is itself or what it waits for, has no base here."""
    what = "it cannot be built here" if name == built else f"{built}, which it needs, cannot be built here"
    return Problem(
        "dependency-left-out",
        f"{name} does not run: {what} ({error}); no service of this project needs {name}",
        f"{error.problem.hint}; then devctl up",
        error.problem.place,
    )


def _left_out(name: str, ref: str) -> Problem:
    what = f"its image {ref}" if ref else "an image that it needs"
    return Problem(
        "dependency-left-out",
        f"{name} does not run: {what} is not here and no registry gave it; no service of this project needs {name}",
        f"devctl up {name} tries again"
        if not ref
        else f"docker pull {ref}, where a registry answers, then devctl up {name}",
    )


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
