"""An engine that cannot see the project: it is on another machine, or in a virtual machine that does not share this folder."""

from __future__ import annotations

from devctl.domain.ports.engine import Engine
from devctl.domain.project.model import Project
from devctl.errors import MachineError


def refuse_far_engine(engine: Engine, project: Project) -> None:
    """Raise MachineError `engine-sees-no-files` if the engine cannot mount the project.

    It would build, then create an empty folder there and mount that, and `go` would report that go.mod is missing. A unix socket
    can lead to another machine as well, so the address does not tell.
    """
    for service in project.services[:1]:
        go_mod = project.root / service.source.dir / "go.mod"
        if not engine.sees(go_mod):
            raise MachineError(
                f"the engine cannot see {go_mod}, so your source cannot be mounted: it runs on another machine, or this folder "
                "is not shared with it",
                code="engine-sees-no-files",
                hint="share the folder (Docker Desktop: File sharing; colima: --mount), or use an engine on this machine: docker "
                "context ls lists them",
            )
