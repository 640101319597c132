"""What a save does where file events do not arrive, and how fast it is where they do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.engine.cli import serves, until
from tests.engine.conftest import Started
from tests.engine.test_watch import USES_UUID, UUID_MOD, UUID_SUM, Watched, environment
from tests.helpers import save

pytestmark = pytest.mark.engine


def test_the_time_that_is_told_is_that_from_the_save_to_the_answer(project: Callable[..., Started]) -> None:
    watched = Watched(project())
    watched.settled(1)
    for number in range(5):
        saved = time.monotonic()
        watched.greet(f"edit {number}")
        served = serves(watched.port, f"edit {number}") * 1000
        told = watched.told("reload", number + 1)
        heard = (time.monotonic() - saved) * 1000
        assert served / 2 < told["ms"] <= heard, (told, served, heard)


def test_polling_on_demand_reloads_and_rebuilds_too(project: Callable[..., Started]) -> None:
    started = project()
    started.write({"devctl.yaml": "version: 1\nwatch: {poll: always}\n"})
    watched = Watched(started)
    assert environment(watched.container)["AIR_POLL"] == "1"
    watched.settled(1)
    watched.greet("-polled")
    assert watched.told("reload")["ok"] is True
    serves(watched.port, "-polled")
    container = watched.container
    save(watched.root / "go.sum", UUID_SUM)
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    save(watched.root / "go.mod", UUID_MOD)
    watched.told("deps.rebuilt")
    assert watched.container != container
    serves(watched.port, "00000000-0000-0000-0000-000000000000-polled")


def test_events_that_arrive_are_known_to(project: Callable[..., Started]) -> None:
    watched = Watched(project())
    note = watched.root / ".devctl/events.json"
    until(note.exists)
    assert json.loads(note.read_text()) == {"arrive": True}


def test_events_that_do_not_arrive_switch_polling_on(project: Callable[..., Started]) -> None:
    """A mount over the folder that the trial writes to: what is written outside is not seen inside."""
    started = project()
    compose = started.root / "compose.yaml"
    compose.write_text(
        compose.read_text().replace("    init: true", "    tmpfs: [/app/.devctl/events]\n    init: true", 1)
    )
    watched = Watched(started)
    first = watched.container
    assert environment(first)["AIR_POLL"] == ""
    until(lambda: watched.container not in ("", first))
    assert environment(watched.container)["AIR_POLL"] == "1"
    said = [e["line"] for e in watched.events("log") if e["service"] == "devctl"]
    assert "no file event in the container" in said[0]
    serves(watched.port, "Hello from Go")
