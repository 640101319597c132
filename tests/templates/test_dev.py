"""The dev stage by plain docker compose: reloads, and what a save that does not compile leaves alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.engine.cli import until

from .conftest import TEMPLATE, Poller, Running

pytestmark = pytest.mark.engine


def test_edit_is_served(dev: Running) -> None:
    for n in range(5):
        dev.save(f"edit {n}")
        dev.serves(f"edit {n}")


def test_edited_template_file_triggers_a_build(dev: Running) -> None:
    before = dev.log().count("devctl: build ok")
    (dev.root / "page.html").write_text("<p>")
    dev.says("devctl: build ok", times=before + 1)


def test_broken_saves_leave_the_process_alone(dev: Running) -> None:
    dev.save("before")
    dev.serves("before")
    pid, failed = dev.pid(), dev.log().count("devctl: build failed")
    said = dev.log().count("undefined: undefinedName")
    with Poller(dev.port).running() as poller:
        for n in range(3):
            dev.save(f"broken {n}", broken=True)
            dev.says("devctl: build failed", times=failed + n + 1)
        until(lambda: poller.asked > 100)
    assert dev.pid() == pid
    assert poller.failures == []
    assert dev.log().count("undefined: undefinedName") == said + 3  # the compiler's message, once a save
    state = dev.sh("cat /tmp/air/state").splitlines()
    assert state[0].startswith("failed ") and "undefined: undefinedName" in "\n".join(state[1:])

    runs = dev.log().count("devctl: restarted")
    dev.save("fixed")
    dev.serves("fixed")
    time.sleep(1.0)
    assert dev.log().count("devctl: restarted") == runs + 1  # no build from before restarts it again
    assert dev.pid() != pid
    assert dev.sh("cat /tmp/air/state").startswith("ok ")


def test_saves_in_quick_succession_end_on_the_last(dev: Running) -> None:
    for n in range(6):
        dev.save(f"quick {n}", broken=n % 2 == 0)
        time.sleep(0.12)
    dev.serves("quick 5")

    def rests() -> bool:
        builds = dev.log().count("devctl: build start")
        time.sleep(1.0)
        return dev.log().count("devctl: build start") == builds

    until(rests)  # on a busy machine the last save may still wait for its build, which changes nothing
    until(lambda: len(dev.sh("pidof main || :").split()) == 1)  # one process in the end, not two
    dev.save("still alive")  # the loop did not lose count of its builds
    dev.serves("still alive")


def test_reload_costs_few_requests(dev: Running) -> None:
    """What it costs at its best: on a busy machine another process may have the processor while the program starts."""
    failures: list[list[str]] = []
    while not failures or (len(failures) < 8 and len(failures[-1]) > 5):
        with Poller(dev.port).running() as poller:
            text = f"cheap {len(failures)}"
            dev.save(text)
            dev.serves(text)
            time.sleep(0.3)
        failures.append(poller.failures)
    assert len(failures[-1]) <= 5, failures


def test_restarted_container_builds_what_is_on_disk(dev: Running) -> None:
    dev.compose("stop", "--timeout", "2")
    dev.save("changed while stopped")
    dev.compose("start")
    dev.serves("changed while stopped")


def test_stops_at_once_and_lets_the_service_finish(dev: Running) -> None:
    dev.compose("stop", "--timeout", "60")
    assert dev.inspect("{{.State.ExitCode}}") != "137", "killed when its time was over"
    assert dev.log().rstrip().count('"msg":"stopping"') >= 1
    dev.compose("start")
    dev.serves("o")


def test_nothing_of_devctls_appears_in_the_folder(dev: Running) -> None:
    assert names(dev.root) - names(TEMPLATE) <= {"page.html"}


def names(root: Path) -> set[str]:
    return {p.name for p in root.rglob("*")}
