"""`up` until it answers: the short way if nothing has to be done, else the long one."""

from __future__ import annotations

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import UpRequest
from devctl.domain.command.state import State, ready_text
from devctl.domain.ports.toolbox import Toolbox
from devctl.workflows.dev.unchanged import state_if_unchanged
from devctl.workflows.project.find import find_root


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod; returns once it answers."""
    began = box.clock.monotonic()
    outcome = None
    if request.detach and not request.dry_run and not request.services:
        state = state_if_unchanged(
            box, find_root(box.files, box.host, request.project), watcher=request.watch
        )
        if state is not None:
            ms = round((box.clock.monotonic() - began) * 1000)
            outcome = Outcome(
                result={**state.as_json(), "ready_ms": ms, "steps": []}, text=ready_text(state, ms, did=False)
            )
    if outcome is None:
        from devctl.workflows.dev import lifecycle

        outcome = lifecycle.up(request, box)
    if request.open and not request.dry_run:
        from devctl.workflows.state.open_address import main_url, open_address

        open_address(box.terminal, box.reporter, main_url(State.of(outcome.result).services))
    return outcome
