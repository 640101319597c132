"""What holds after each fault, whatever it was."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import Any

from devctl.adapters.system.files import SystemFiles
from tests.chaos.scene import Scene, inspected, started_at
from tests.engine.cli import docker, get, until
from tests.engine.killing_docker import left_running
from tests.engine.test_preview_data import asked_of

HEALS_WITHIN = 400.0
"""Seconds for `devctl up -d`, the image's build included, on two cores with other work."""
SETTLES_WITHIN = 180.0
"""Seconds for what a killed command started to come to its end, and for a round of the watcher."""


Containers = dict[str, dict[str, tuple[str, str]]]
"""Of each service: its containers, each with its state and mode. A compose that was killed while it replaced one leaves two."""


def status_is_true(here: Scene) -> None:
    """`devctl status` says of each container what the engine says, and what it says serves does serve.

    What a killed compose still does may fall between two looks: a status counts if the engine says the same before and after.
    """
    deadline = time.monotonic() + SETTLES_WITHIN
    while True:
        before = _engine(here)
        told = here.made.devctl("status").result
        answer = _answer(here)
        if _engine(here) == before and (wrong := _untrue(told, before, answer)) is None:
            return
        assert time.monotonic() < deadline, f"status: {wrong}; {told}; engine: {before}; answer: {answer}"


def _untrue(told: dict[str, Any], engine: Containers, answer: str) -> str | None:
    for service in told["services"]:
        all_of_it = engine.get(service["name"], {})
        if not all_of_it and service["state"] == "absent":
            continue
        there = all_of_it.get(service["container"])
        if there is None:
            return f"{service['name']} is not there"
        if service["state"] != there[0] or (there[0] != "running" and "running" in dict(all_of_it.values())):
            return f"{service['name']} is in another state"
        if service["kind"] == "service" and service["mode"] != there[1]:
            return f"{service['name']} is in another mode"
    if told["serving"]["state"] != "none" and not answer:
        return "nothing answers"
    if told["watcher"]["state"] == "running" and not Path(f"/proc/{told['watcher']['pid']}").exists():
        return "there is no such watcher"
    return None


def _engine(here: Scene) -> Containers:
    found: Containers = {}
    for c in inspected(containers(here)):
        labels = c["Config"]["Labels"]
        of_service = found.setdefault(labels["com.docker.compose.service"], {})
        of_service[c["Id"]] = (c["State"]["Status"], labels.get("dev.devctl.mode", ""))
    return found


def containers(here: Scene) -> list[str]:
    project = f"label=com.docker.compose.project={here.made.name}"
    return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", project).split()


def _answer(here: Scene) -> str:
    try:
        return get(here.made.port)
    except (OSError, http.client.HTTPException):
        return ""


def heals(here: Scene) -> tuple[float, str]:
    """The next `devctl up -d` serves what is on disk; the seconds it took, and its longest step."""
    began = time.monotonic()
    done = here.made.devctl("-y", "up", "-d", timeout=HEALS_WITHIN)
    took = time.monotonic() - began
    ends = [e for e in done.events if e["name"] == "step.done"]
    longest = max(ends, key=lambda e: int(e["ms"]), default={"step": "nothing"})["step"]
    here.mode = "dev"
    assert get(here.made.port) == here.greeting
    state = here.made.devctl("status").result
    assert (state["mode"], state["serving"]["state"]) == ("dev", "current"), state
    assert state["watcher"]["state"] == "running", state
    until(lambda: left_running(here.root) == [], SETTLES_WITHIN, lambda: f"still at work: {_at_work(here)}")
    until(lambda: SystemFiles().lock_holder(here.root) is None, SETTLES_WITHIN, lambda: "the lock is held")
    again = here.made.devctl("-y", "up", "-d", timeout=HEALS_WITHIN)
    assert again.result["steps"] == [], f"a second `up` has something to do: {again.result['steps']}"
    there = _engine(here)
    assert (sorted(there), len(containers(here))) == (["app", "db"], 2), there
    return took, str(longest)


def _at_work(here: Scene) -> list[int]:
    return left_running(here.root)


def users_things_are_untouched(here: Scene) -> None:
    """Their files, and containers that do not belong to the project."""
    assert started_at(list(here.bystanders)) == here.bystanders, "a container beside the project was touched"
    assert here.git("rev-parse", "HEAD") == here.head
    changed = here.git("status", "--porcelain", "--ignored").splitlines()
    assert [line for line in changed if line.split(maxsplit=1)[1] != ".devctl/"] == []


def no_row_is_lost(here: Scene) -> None:
    """Each row that was acknowledged since the last look is in the database, and a new one is written."""
    before = len(here.client.kept)
    until(lambda: len(here.client.kept) > before, why=lambda: "no row is written any more")
    kept = sorted(n for n in here.client.kept.copy() if n > here.checked)
    rows = {int(line) for line in asked_of(here.made, f"select n from rows where n > {here.checked}").split()}
    lost = [n for n in kept if n not in rows]
    assert not lost, f"acknowledged and not in the database: {lost[:20]}"
    here.checked = kept[-1]
    total = int(asked_of(here.made, f"select count(*) from rows where n <= {here.checked}"))
    assert total >= sum(1 for n in here.client.kept.copy() if n <= here.checked), "earlier rows are gone"
