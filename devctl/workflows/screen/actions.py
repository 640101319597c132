"""The work that the keys of a foreground `up` start: the commands of the same names, in this process."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from devctl.domain.command.events import GoTested, Outcome
from devctl.domain.command.requests import GoTestRequest, PreviewRequest, RebuildRequest, UpRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.screen.keys import ScreenKey
from devctl.workflows.dev import lifecycle


def act(key: ScreenKey, request: UpRequest, box: Toolbox) -> Outcome:
    """Do the work of a key. `request`: the one of this `up`, whose services and timeouts apply to the key too."""
    match key.action:
        case "rebuild":
            return lifecycle.rebuild(RebuildRequest(services=request.services, **_of(request)), box)
        case "preview":
            from devctl.workflows.preview.preview import prod_preview

            return prod_preview(PreviewRequest(back="press b", **_of(request)), box)
        case "back":
            return lifecycle.up(replace(request, detach=True), box)
        case "test":
            return _test(request, box)
        case _:
            raise AssertionError(f"{key.action} takes no time")


def _of(request: UpRequest) -> dict[str, Any]:
    return {
        "project": request.project,
        "yes": request.yes,
        "timeout": request.timeout,
        "lock_timeout": request.lock_timeout,
        "compose_timeout": request.compose_timeout,
    }


def _test(request: UpRequest, box: Toolbox) -> Outcome:
    from devctl.workflows.inside.go_test import test

    outcome = test(GoTestRequest(project=request.project), box)
    box.reporter.emit(GoTested(outcome.exit_code == 0))
    return outcome
