"""Programs that did not stop in time and were killed: devctl-run notes it when its container stops, and it is said once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from devctl.domain.ports.host import Reporter
from devctl.domain.ports.state_folder import StateFolder
from devctl.domain.project.state_folder import kill_note
from devctl.errors import Problem


def tell_kills(reporter: Reporter, state: StateFolder, root: Path, services: Iterable[str]) -> None:
    """To be called when containers were stopped."""
    for name in services:
        seconds = (state.text(root, kill_note(name)) or "").strip()
        if not seconds:
            continue
        state.put(root, kill_note(name), "")
        reporter.warn(
            Problem(
                "killed-at-stop",
                f"{name} did not stop within {seconds} s and was killed before its shutdown finished",
                "compose.yaml: stop_grace_period: 30s gives it more time, and so does kill_delay in .air.toml",
                None,
            )
        )
