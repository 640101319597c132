"""`up` with nothing to do, answered without compose and without reading the code again.

After each `up` we note the inputs (size and time of change), the containers and their addresses. When all of that still
holds, the state is the one that was noted. Anything else, and the long way with fingerprints decides. The note lies in
`.devctl/` and may be deleted at any time.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from devctl import __version__
from devctl.workflows.find import COMPOSE_FILES

if TYPE_CHECKING:
    from devctl.domain.ports import Toolbox
    from devctl.domain.project import Project
    from devctl.domain.state import ServiceState, State

NOTE = ".devctl/up.json"
BUILD_STATE = "/tmp/air/state"


def note_up(box: Toolbox, project: Project, state: State, inputs: tuple[str, ...]) -> None:
    """Remember what this `up` came to; only a state that needs nothing more is worth it."""
    root = Path(project.root)
    good = state.mode == "dev" and state.serving.state == "current"
    variables = _variables(box, root)
    if variables is None or not good or any(not _well(s) for s in state.services):
        box.files.remove(root / NOTE)
        return
    probes = [s.probe for s in project.services if s.probe.startswith("/")]
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
    for file in COMPOSE_FILES:
        text = box.files.read_text(root / file) or ""
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
    state = cast("dict[str, Any]", note["state"])
    with ThreadPoolExecutor(max_workers=8) as pool:
        running = pool.submit(box.engine.running, note["project"])
        builds = [pool.submit(box.engine.read_file, s["container"], BUILD_STATE) for s in _services(state)]
        same = note["inputs"] == stamps(box, root, tuple(p for p in note["inputs"] if p != "*.go"))
        answers = [box.prober.http(s["url"] + path, timeout=1.0) for s, path in zip(_services(state), note["probes"], strict=False)]
        if not same or running.result() != sorted(s["container"] for s in state["services"]):
            return None
        if any((b.result() or "ok").startswith("failed") for b in builds):
            return None
    if any(status is None or status >= 500 for status in answers):
        return None
    held = box.files.held(root / ".devctl" / "watcher.lock")
    if watcher and not held:
        return None
    pid = (box.files.read_text(root / ".devctl" / "watcher.lock") or "").strip() if held else ""
    state["watcher"] = {"state": "running", "pid": int(pid)} if pid.isdigit() else {"state": "absent", "pid": None}
    return state


def _read(box: Toolbox, root: Path) -> dict[str, Any] | None:
    try:
        note = json.loads(box.files.read_text(root / NOTE) or "null")
    except ValueError:
        return None
    return note if isinstance(note, dict) else None


def _services(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [s for s in state["services"] if s["kind"] == "service" and s["url"]]
