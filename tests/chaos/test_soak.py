"""Hours of use in one sitting: `make soak RELOADS=2000 REBUILDS=300 SWITCHES=300`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.chaos import endurance
from tests.chaos.endurance import Sitting, grown, look
from tests.chaos.invariants import containers, no_row_is_lost, users_things_are_untouched
from tests.chaos.scene import FIRST, GREETING, OTHER_GREETING, Scene, scene
from tests.engine.cli import serves, until
from tests.engine.conftest import Started
from tests.engine.postgres import postgres_image

pytestmark = [pytest.mark.engine, pytest.mark.chaos]
USUAL = {"RELOADS": 2000, "REBUILDS": 300, "SWITCHES": 300}
TIMES = {name: int(os.environ.get(name, usual)) for name, usual in USUAL.items()}


def test_nothing_grows(project: Callable[..., Started]) -> None:
    postgres_image()
    with scene(project(FIRST)) as here:
        sittings = [
            sat(here, "reloads", TIMES["RELOADS"], reload),
            sat(here, "rebuilds", TIMES["REBUILDS"], rebuild),
            sat(here, "switches", TIMES["SWITCHES"], switch),
        ]
        no_row_is_lost(here)
    endurance.write(sittings, " ".join(f"{name}={times}" for name, times in TIMES.items()))
    found = [line for sitting in sittings for line in grown(sitting)]
    assert not found, "\n".join(found)
    assert len({each.pid for sitting in sittings for each in sitting.looks}) == 1, "one watcher all the time"


def sat(here: Scene, what: str, times: int, once: Callable[[Scene, int], None]) -> Sitting:
    """The same thing again and again, with a look after each tenth."""
    pid = int(here.made.devctl("status").result["watcher"]["pid"])
    taken, looks = [], [look(here, pid)]
    for number in range(1, times + 1):
        began = time.monotonic()
        once(here, number)
        taken.append(time.monotonic() - began)
        if number % max(times // 10, 1) == 0:
            here.bring("dev")
            looks.append(look(here, int(here.made.devctl("status").result["watcher"]["pid"])))
            no_row_is_lost(here)
            print(f"{what} {number}: {looks[-1]}", flush=True)
    here.bring("dev")
    users_things_are_untouched(here)
    return Sitting(what, taken, looks)


def reload(here: Scene, number: int) -> None:
    """A save of main.go, until its text is served."""
    here.greeting = f"save {number}"
    here.commit({"main.go": FIRST["main.go"].replace(GREETING, here.greeting)})
    serves(here.made.port, here.greeting, within=60)


def rebuild(here: Scene, number: int) -> None:
    """A save of go.mod that makes a new deps layer each time, and of the program that needs it, until the new container serves."""
    before = containers(here)
    here.greeting = GREETING if number % 2 == 0 else OTHER_GREETING
    files = here.turn()
    here.commit({**files, "go.mod": f"{files['go.mod']}exclude example.com/never v1.0.{number}\n"})
    until(lambda: len(now := containers(here)) == len(before) and now != before)
    serves(here.made.port, here.greeting, within=120)


def switch(here: Scene, number: int) -> None:
    """To production, or back."""
    here.bring("prod" if number % 2 else "dev")
