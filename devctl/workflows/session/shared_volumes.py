"""A service that is about to start beside another one on the same data: two servers that write the same files destroy them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator

from devctl.domain.plan.engine_state import SERVICE_LABEL, Observed
from devctl.domain.project.compose_model import Model
from devctl.domain.project.model import Project
from devctl.errors import MachineError


def refuse_second_server(
    project: Project, model: Model, *, starting: Collection[str], observed: Observed
) -> None:
    """Raise MachineError if a container of a dependency that the files no longer have (`db`, renamed to `postgres`) still runs
    with a volume at the same path as one of `starting` that does not run yet. Compose would start the second. Go services
    share volumes: devctl's cache, first of all."""
    former = [
        c
        for c in observed.containers
        if c.state == "running" and c.service not in model["services"] and SERVICE_LABEL not in c.labels
    ]
    for name in sorted(starting):
        found = observed.of(name)
        if project.service(name) is not None or (found is not None and found.state == "running"):
            continue
        for mount in _volumes(model, name):
            for other in (c for c in former if mount in c.mounts):
                raise MachineError(
                    f"{other.service} is no longer in the project but still runs, and {name} would use its data at the same time",
                    code="data-in-use",
                    hint=f"docker stop {other.name}, then devctl up",
                    place=project.place(("services", name, "volumes")),
                )


def _volumes(model: Model, name: str) -> Iterator[str]:
    """The named volumes of a service, in the form of `Container.mounts`."""
    for volume in (model["services"].get(name) or {}).get("volumes") or ():
        known = (model.get("volumes") or {}).get(volume.get("source")) or {}
        if volume.get("type") == "volume" and known.get("name") and not volume.get("read_only"):
            yield f"{posixpath.normpath(volume['target'])} (volume {known['name']})"
