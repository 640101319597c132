"""`up`: detached it returns once it answers, in the foreground when the user ends it."""

from __future__ import annotations

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import UpRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.project.find import find_root


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod."""
    if request.detach or request.dry_run:
        from devctl.workflows.dev.up import up as detached

        return detached(request, box)
    find_root(box.files, box.host, request.project)  # before all is loaded that a project takes
    from devctl.workflows.screen import foreground

    return foreground.up(request, box)
