"""One fault after the other, each with what has to hold after it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from tests.chaos.faults import Fault
from tests.chaos.invariants import heals, no_row_is_lost, status_is_true, users_things_are_untouched
from tests.chaos.scene import Scene


class Try(Struct, frozen=True):
    """One fault; `heal`: seconds of the next `devctl up -d`, most of them for the step `most`; `took`: of all of it; `failed`:
    which invariant did not hold."""

    number: int
    fault: str
    during: str = ""
    what: str = ""
    struck: bool = False
    heal: float = 0.0
    most: str = ""
    took: float = 0.0
    failed: str = ""

    @property
    def line(self) -> str:
        how = f"FAILED: {self.failed[:1500]}" if self.failed else f"healed in {self.heal:.1f} s ({self.most})"
        missed = "" if self.struck else ", struck nothing"
        return (
            f"{self.number}: {self.fault} · {self.during} · {self.what}{missed} · {how} ({self.took:.0f} s)"
        )


def tries(
    faults: Sequence[Fault], scene: Callable[[], AbstractContextManager[Scene]], seed: int, numbers: range
) -> Iterator[Try]:
    """The faults with these numbers; after one that failed the next has a new scene: what a fault left is no place for another."""
    waiting = list(numbers)
    while waiting:
        with scene() as here:
            while waiting:
                number = waiting.pop(0)
                done = tried(here, chosen(faults, seed, number), seed, number)
                yield done
                if done.failed:
                    break


def chosen(faults: Sequence[Fault], seed: int, number: int) -> Fault:
    """The fault with this number: all of them come in turn, in an order of their own for each turn."""
    turn, place = divmod(number, len(faults))
    order = list(faults)
    Random(f"{seed} {turn}").shuffle(order)
    return order[place]


def tried(here: Scene, fault: Fault, seed: int, number: int) -> Try:
    rng, began, told = Random(f"{seed} {number} {fault.name}"), time.monotonic(), Try(number, fault.name)
    try:
        done = fault.act(here, rng)
        told = Try(number, fault.name, done.during, done.what, done.struck)
        status_is_true(here)
        users_things_are_untouched(here)
        heal, most = heals(here)
        users_things_are_untouched(here)
        no_row_is_lost(here)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return replace(told, took=time.monotonic() - began, failed=str(error) or repr(error))
    return replace(told, took=time.monotonic() - began, heal=heal, most=most)
