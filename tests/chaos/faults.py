"""The faults, each a function that brings the project where it strikes, strikes, and removes what only the machine's owner
could remove (a folder that was moved is back). It returns what it did, for the table and for who replays it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from tests.chaos.scene import Scene


class Done(Struct, frozen=True):
    """`during`: what devctl was doing; `what`: the rest. `struck`: False if the command had ended before it."""

    during: str
    what: str
    struck: bool = True


Act = Callable[[Scene, Random], Done]


class Fault(Struct, frozen=True):
    name: str
    act: Act


FAULTS: list[Fault] = []


def fault(name: str) -> Callable[[Act], Act]:
    """A row of the table; the order of the files and functions is that of the numbers, so that a seed means the same faults."""

    def add(act: Act) -> Act:
        FAULTS.append(Fault(name, act))
        return act

    return add
