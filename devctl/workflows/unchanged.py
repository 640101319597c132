"""`up` with nothing to do, answered without compose and without reading the code again.

After each `up` we note the inputs (size and time of change), the containers and their addresses. When all of that still
holds, the state is the one that was noted. Anything else, and the long way with fingerprints decides. The note lies in
`.devctl/` and may be deleted at any time.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from devctl import __version__
from devctl.domain.air import BUILD_STATE
from devctl.domain.overlay import build_note
from devctl.workflows.find import compose_files

if TYPE_CHECKING:
    from devctl.domain.ports import Toolbox
    from devctl.domain.project import Project
    from devctl.domain.state import ServiceState, State

NOTE = ".devctl/up.json"


def note_up(box: Toolbox, project: Project, state: State, inputs: tuple[str, ...]) -> None:
    """Remember what this `up` came to; only a state that needs nothing more is worth it."""
    root = Path(project.root)
    good = state.mode == "dev" and state.serving.state == "current"
    variables = _variables(box, root)
    if variables is None or not good or any(not _well(s) for s in state.services):
        box.files.remove(root / NOTE)
        return
    probes = {s.name: s.probe for s in project.services if s.probe.startswith("/")}
    note = {
        "version": __version__,
        "project": project.name,
        "inputs": stamps(box, root, inputs),
        "variables": {name: box.host.env(name) for name in variables},
        "state": state.as_json(),
        "probes": probes,
    }
    box.files.write_atomic(root / NOTE, json.dumps(note), owner=project.owner)


def _well(service: ServiceState) -> bool:
    return service.state == "running" and service.health in ("none", "healthy")


def _variables(box: Toolbox, root: Path) -> list[str] | None:
    """The variables that the compose files read; None where they read other files too, which we do not follow here."""
    names = {"COMPOSE_PROFILES", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "DOCKER_HOST", "DOCKER_CONTEXT"}
    for path in compose_files(box, root):
        text = box.files.read_text(path) or ""
        if re.search(r"^\s*(include|extends|env_file)\s*:", text, re.M):
            return None
        names |= set(re.findall(r"\$\{?([A-Za-z_]\w*)", text))
    return sorted(names)


def stamps(box: Toolbox, root: Path, inputs: tuple[str, ...]) -> dict[str, Any]:
    """Size and time of change of each input, and the names of the Go files: a new main changes what is detected."""
    return {**{path: box.files.stamp(root / path) for path in inputs}, "*.go": box.files.go_names(root)}


def state_if_unchanged(box: Toolbox, root: Path, *, watcher: bool) -> dict[str, Any] | None:
    """The `state` object, where nothing has to be done; None sends the caller the long way."""
    note = _read(box, root)
    if note is None or note.get("version") != __version__ or box.files.held(root / ".devctl" / "lock"):
        return None
    if any(box.host.env(name) != value for name, value in note["variables"].items()):
        return None
    if note["inputs"] != stamps(box, root, tuple(p for p in note["inputs"] if p != "*.go")):
        return None
    state = cast("dict[str, Any]", note["state"])
    if box.engine.running(note["project"]) != sorted(s["container"] for s in state["services"]):
        return None
    if not all(
        _serves_current(box, root, s, note["probes"]) for s in state["services"] if s["kind"] == "service"
    ):
        return None
    state["watcher"] = _watcher(box, root)
    return None if watcher and state["watcher"]["state"] == "absent" else state


def _serves_current(box: Toolbox, root: Path, service: dict[str, Any], probes: dict[str, str]) -> bool:
    """It answers, and its last build was good by what the build script wrote for this very container."""
    path = probes.get(service["name"])
    if path is not None and service["url"] is not None:
        status = box.prober.http(service["url"] + path, timeout=1.0)
        if status is None or status >= 500:
            return False
    word, _, container = (
        (box.files.read_text(root / build_note(service["name"])) or "").strip().partition(" ")
    )
    if container and service["container"].startswith(container):
        return word == "ok"
    return not (box.engine.read_file(service["container"], BUILD_STATE) or "ok").startswith("failed")


def _watcher(box: Toolbox, root: Path) -> dict[str, Any]:
    lock = root / ".devctl" / "watcher.lock"
    pid = (box.files.read_text(lock) or "").strip() if box.files.held(lock) else ""
    return {"state": "running", "pid": int(pid)} if pid.isdigit() else {"state": "absent", "pid": None}


def _read(box: Toolbox, root: Path) -> dict[str, Any] | None:
    try:
        note = json.loads(box.files.read_text(root / NOTE) or "null")
    except ValueError:
        return None
    return note if isinstance(note, dict) else None
