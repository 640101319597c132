"""Hand a step to compose and turn what comes back into a result or one clear error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from devctl.domain.events import Note
from devctl.domain.failures import Asked, explain
from devctl.domain.ports import Finished, Toolbox
from devctl.errors import DevctlError, InterruptedByUser, ProjectError
from devctl.workflows.in_front import followed
from devctl.workflows.left_out import Missing, leave_out, spare
from devctl.workflows.session import Session
from devctl.workflows.steps import Steps

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


def build_all(box: Toolbox, session: Session, steps: Steps, causes: Mapping[str, str]) -> frozenset[str]:
    """Build the services of `causes`, those that nobody needs at last; returns what is left out because it did not build.

    Raises what `build` raises where a needed one fails.
    """
    extra = spare(session)
    missing: dict[str, Missing] = {}
    for name in sorted(causes, key=lambda name: name in extra):
        try:
            with steps.step("build", causes[name], service=name):
                build(box, session, name)
        except DevctlError as error:
            if name not in extra or isinstance(error, InterruptedByUser):
                raise
            missing[name] = Missing(
                f"its image does not build ({error})", error.problem.hint, error.problem.place
            )
    return leave_out(box, session, extra, missing)


def compose_up(box: Toolbox, session: Session, services: Sequence[str], *, no_deps: bool) -> None:
    """Create or recreate containers; heals once what keeps compose from its own: a name that an aborted recreate left
    taken, a container that is tied to a network which was removed, one that is frozen. What stands in front of one whose
    address changes is started again."""
    with followed(box, session, services):
        _compose_up(box, session, services, no_deps=no_deps)


def _compose_up(box: Toolbox, session: Session, services: Sequence[str], *, no_deps: bool) -> None:
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
    """The services without those that can be left out because an image cannot be had."""
    known = explain("compose", done.output, exit_code=done.code)
    if known is None or known.code not in NOT_HAD:
        return list(services)
    specs = session.project.specs
    refs = {d.name: str(specs[d.name].get("image") or "") for d in session.dependencies if not d.image}
    here = box.engine.images(list(refs.values()))
    missing = {
        name: Missing(
            f"its image {ref} is not here and no registry gave it",
            f"docker pull {ref}, where a registry answers",
        )
        for name, ref in refs.items()
        if ref not in here
    }
    out = leave_out(box, session, services, missing)
    return [name for name in services if name not in out]


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
