"""What onboard mends without a person where it only shows when the service starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.requests import RestartRequest
from devctl.errors import Problem
from devctl.workflows import lifecycle
from devctl.workflows.doctor_project import cache_of
from devctl.workflows.file_events import NOTE, poll_from_now
from devctl.workflows.load import load


def mend(box: Toolbox, root: Path, *, code: str) -> str:
    """What was done about an error of `up`, which may be tried again then; "" where nothing can be."""
    return _MENDS[code](box, root) if code in _MENDS else ""


def _own_cache(box: Toolbox, root: Path) -> str:
    """Give the shared build cache to the project's owner, as doctor does; another folder is the image's affair."""
    project, machine = load(box, root), box.machine()
    volume, images = cache_of(box, project), machine.images.named("golang")
    if not volume or not images:
        return ""
    did = machine.installer.own_cache(volume, owner=project.owner, image=images[0])
    # Its container waits for a save after a build that failed; a new start is what builds again.
    lifecycle.restart(RestartRequest(project=root), box)
    return did


def _poll(box: Toolbox, root: Path) -> str:
    """Without file watches, saves can still be looked for."""
    poll_from_now(box, load(box, root))
    box.reporter.warn(
        Problem(
            "watch-polls",
            "the kernel gives out no more file watches: saves are looked for instead, which takes a little longer",
            f"devctl doctor --fix --yes raises the limits; then rm {OVERLAY}/{NOTE}, and devctl up",
        )
    )
    return "saves are looked for (polling)"


_MENDS: Mapping[str, Callable[[Toolbox, Path], str]] = {
    "cache-not-writable": _own_cache,
    "inotify-limit": _poll,
}
