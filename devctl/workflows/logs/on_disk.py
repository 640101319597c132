"""Whether what runs is what the files say now: fingerprints are compared, as in `up` and `prod-preview`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from devctl.domain.command.state import Mode
from devctl.domain.plan.engine_state import DEPS_LABEL, INPUTS_LABEL, Container, Observed
from devctl.domain.plan.planner import REDEFINED
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError, MachineError, ProjectError
from devctl.workflows.preview.known_images import changed_since_built
from devctl.workflows.session.session import Session, open_session


def differs_from_disk(box: Toolbox, project: Project, observed: Observed) -> str | None:
    """How the files differ from what runs; None if they do not, or if that cannot be known here."""
    try:
        return next(chain(_dev(box, project, observed), _prod(box, project, observed)), None)
    except (FilesError, ProjectError) as error:
        return error.problem.message
    except MachineError:
        return None


def _dev(box: Toolbox, project: Project, observed: Observed) -> Iterator[str]:
    names = _running(project, observed, "dev")
    if not names:
        return
    holder = box.files.lock_holder(project.root)
    then = f"{holder} is running" if holder is not None else "`devctl up` applies it"
    session = open_session(box, project, mode="dev", only=names)
    for step in session.plan():
        if step.service in names and step.step in ("build", "start"):
            yield f"{step.service}: {step.cause}; {then}"
    for name in session.redefined:
        yield f"{name}: {REDEFINED}; {then}"


def _prod(box: Toolbox, project: Project, observed: Observed) -> Iterator[str]:
    for name, container in _running(project, observed, "prod").items():
        found = list(_previews(box, project, name, container))
        again = "`devctl prod-preview` applies it"
        if found and not any(_same(session, name, container) for session in found):
            yield f"{name}: {REDEFINED}; {again}"
        elif found and changed_since_built(box, found[0], found[0].run(name)):
            yield f"{name}: files that its image is built from changed; {again}"
        used = {d.name for session in found for d in session.dependencies}
        for other in (n for session in found[:1] for n in session.redefined if n in used):
            yield f"{other}: {REDEFINED}; {again}"


def _previews(box: Toolbox, project: Project, name: str, container: Container) -> Iterator[Session]:
    """A preview's session: on the base that the configuration names, and on that of the running image."""
    image = box.engine.images([container.image]).get(container.image)
    users = {name: image.run_as} if image is not None else {}
    tag = container.image.rpartition(":prod-")[2]
    for base in dict.fromkeys((project.prod_base, tag)):
        try:
            session = open_session(box, project, mode="prod", only=[name], base=base).with_users(users)
        except (DevctlError, KeyError):
            continue
        if session.run(name).image == container.image:
            yield session


def _same(session: Session, name: str, container: Container) -> bool:
    wanted = session.wanted_of(name)
    return (
        container.labels.get(INPUTS_LABEL) == wanted.inputs
        and container.labels.get(DEPS_LABEL) == wanted.deps
    )


def _running(project: Project, observed: Observed, mode: Mode) -> dict[str, Container]:
    found = {s.name: observed.of(s.name) for s in project.services}
    return {name: c for name, c in found.items() if c is not None and c.state == "running" and c.mode == mode}
