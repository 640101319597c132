"""Random faults on the real engine, one after the other: `make chaos N=200 SEED=7`.

A seed and a number name a fault and the moment at which it strikes; each is replayed alone by `make chaos SEED=7 FIRST=31 N=1`. A
moment is a part of the time that a command usually takes, so on another machine it comes at about the same step.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from random import Random

import pytest

from tests.chaos import company, folders, kills  # noqa: F401 (each adds its faults)
from tests.chaos.faults import Fault, chosen
from tests.chaos.invariants import heals, no_row_is_lost, status_is_true, users_things_are_untouched
from tests.chaos.page import Try, keep
from tests.chaos.scene import Scene, scene
from tests.engine.conftest import Started
from tests.engine.postgres import postgres_image

pytestmark = [pytest.mark.engine, pytest.mark.chaos]
N, SEED, FIRST = (
    int(os.environ.get(name, usual)) for name, usual in (("N", "20"), ("SEED", "1"), ("FIRST", "0"))
)


def test_faults(project: Callable[..., Started]) -> None:
    postgres_image()
    tries: list[Try] = []
    number = FIRST
    while number < FIRST + N:
        with scene(project) as here:
            while number < FIRST + N:
                tries.append(tried(here, chosen(SEED, number), number))
                print(tries[-1].line, flush=True)
                number += 1
                if tries[-1].failed:
                    break  # what a fault left is no place for the next one
    keep(SEED, tries)
    failed = [f"make chaos SEED={SEED} FIRST={t.number} N=1\n  {t.line}" for t in tries if t.failed]
    assert not failed, f"{len(failed)} of {len(tries)} faults:\n" + "\n".join(failed)


def tried(here: Scene, fault: Fault, number: int) -> Try:
    rng, began = Random(f"{SEED} {number} {fault.name}"), time.monotonic()
    during, what, struck, healed = "", "", False, 0.0
    try:
        done = fault.act(here, rng)
        during, what, struck = done.during, done.what, done.struck
        status_is_true(here)
        users_things_are_untouched(here)
        healed = heals(here)
        users_things_are_untouched(here)
        no_row_is_lost(here)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return Try(
            number, fault.name, during, what, struck, 0.0, time.monotonic() - began, str(error) or repr(error)
        )
    return Try(number, fault.name, during, what, struck, healed, time.monotonic() - began)
