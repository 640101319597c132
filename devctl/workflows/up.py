"""`up`: the short way where nothing has to be done, else the long one."""

from __future__ import annotations

from typing import Any

from devctl.domain.events import Outcome
from devctl.domain.ports import Toolbox
from devctl.domain.requests import UpRequest
from devctl.workflows.find import find_root
from devctl.workflows.unchanged import state_if_unchanged


def up(request: UpRequest, box: Toolbox) -> Outcome:
    """Dev mode, from nothing or from prod."""
    began = box.clock.monotonic()
    if request.detach and not request.dry_run and not request.services:
        state = state_if_unchanged(box, find_root(box, request.project), watcher=request.watch)
        if state is not None:
            ms = round((box.clock.monotonic() - began) * 1000)
            return Outcome(result={**state, "ready_ms": ms, "steps": []}, text=_text(state))
    from devctl.workflows import lifecycle

    return lifecycle.up(request, box)


def _text(state: dict[str, Any]) -> str:
    lines = [
        f"  {s['name']:<12} {s['mode'] or s['kind']:<10} {s['state']:<9} {s['url'] or ''}".rstrip()
        for s in state["services"]
    ]
    return "\n".join(["already up", *lines])
