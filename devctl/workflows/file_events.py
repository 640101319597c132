"""Whether file events of the mounted source arrive in the container: tried once a project, end to end.

Mounts that pass no events are known by kind (`Files.eventless`), but a virtual machine between us and the engine is not seen
from here. So the watcher tries: a listener in the container, a write out here. Where nothing arrives, polling is switched on.
"""

from __future__ import annotations

import json
from pathlib import Path

from devctl.domain.observed import Container
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.render import SOURCE_TARGET

NOTE = "events.json"
FOLDER = "events"
PROBE = "saved.probe"
TIMEOUT = 8.0
"""Seconds until the listener ends by itself."""
HEARD_WITHIN = 2.0
"""Seconds of writing ten times a second, once the listener says that it watches."""
# air itself is the listener: it is in every dev stage, and it is its events that matter.
_LISTENER = (
    "air -c /dev/null --root . --tmp_dir /tmp/air-events --build.cmd true --build.full_bin true --build.include_ext probe "
    "--build.delay 1"
)


def known_to_fail(box: Toolbox, project: Project) -> bool:
    """Whether it was tried here and nothing arrived. The note may be deleted: it is tried again then."""
    return _noted(box, project) is False


def poll_from_now(box: Toolbox, project: Project) -> None:
    """As if it had been tried, and nothing had arrived."""
    _note(box, project, arrived=False)


def try_once(box: Toolbox, project: Project, container: Container) -> bool | None:
    """Try it unless that was done; returns whether polling has to begin now, None where it could not be tried yet."""
    target = _target(project, container.service)
    if target is None or _noted(box, project) is not None:
        return False
    arrived = _arrive(box, project, container, f"{target}/{OVERLAY}")
    if arrived is None:
        return None
    _note(box, project, arrived=arrived)
    return not arrived


def _note(box: Toolbox, project: Project, *, arrived: bool) -> None:
    box.files.write_atomic(_path(project, NOTE), json.dumps({"arrive": arrived}), owner=project.owner)


def _noted(box: Toolbox, project: Project) -> bool | None:
    text = box.files.read_text(_path(project, NOTE))
    try:
        return bool(json.loads(text)["arrive"]) if text else None
    except (ValueError, TypeError, KeyError):
        return None


def _arrive(box: Toolbox, project: Project, container: Container, folder: str) -> bool | None:
    """None where no listener could be started, or the container went away."""
    said: list[str] = []
    argv = ["docker", "exec", "--workdir", f"{folder}/{FOLDER}", container.id, "timeout", str(round(TIMEOUT))]
    probe = _path(project, f"{FOLDER}/{PROBE}")
    box.files.write_atomic(probe, "0\n", owner=project.owner)
    deadline = box.clock.monotonic() + TIMEOUT - 1
    with box.processes.follow(
        [*argv, *_LISTENER.split()], on_line=lambda _, line: said.append(line)
    ) as alive:
        watching: float | None = None
        while alive() and box.clock.monotonic() < (deadline if watching is None else watching + HEARD_WITHIN):
            if watching is None and "watching ." in said:
                watching = box.clock.monotonic()
            if watching is not None:
                box.files.append(probe, "1\n")
            if f"{PROBE} has changed" in said:
                return True
            box.clock.sleep(0.1)
        return False if alive() and watching is not None else None


def _target(project: Project, service: str) -> str | None:
    """Where the project's folder is mounted in the container."""
    volumes = (project.specs.get(service) or {}).get("volumes") or []
    mounted = [v["target"] for v in volumes if v.get("type") == "bind" and v.get("source") == project.root]
    found = project.service(service)
    ours = found is not None and found.dev_stage is None
    return SOURCE_TARGET if ours else next(iter(mounted), None)


def _path(project: Project, name: str) -> Path:
    return Path(project.root) / OVERLAY / name
