"""An engine on another machine: it builds, but it cannot mount the source, and it publishes ports on its own loopback."""

from __future__ import annotations

from devctl.domain.ports.engine import Engine
from devctl.domain.project.model import Project
from devctl.errors import MachineError


def refuse_far_engine(engine: Engine, project: Project) -> None:
    """Raise MachineError `engine-sees-no-files` if the engine cannot mount the project.

    The engine itself would create an empty folder there and mount that, and `go` would report that go.mod is missing. A unix
    socket can lead to another machine as well, so the address does not tell.
    """
    for service in project.services[:1]:
        go_mod = project.root / service.source.dir / "go.mod"
        if not engine.sees(go_mod):
            raise MachineError(
                f"the engine runs on another machine: {go_mod} does not exist there, so your source cannot be mounted",
                code="engine-sees-no-files",
                hint="use an engine on this machine: unset DOCKER_HOST; docker context use default",
            )
