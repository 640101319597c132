"""A hint that comes of what runs, followed in the world in memory (tests/fakes.py): commands are typed as a person types them."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from msgspec import Struct
from msgspec.structs import replace

from devctl.cli import wiring
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Toolbox
from tests.cli.conftest import Ran
from tests.fakes import World
from tests.hints.follow import Told, filled, merged, said

Follow = Callable[["Person", Told], str | None]
COMMAND = re.compile(r"(?<![\w./])devctl ((?:[-\w./]+ ?)+)")


SAYS = frozenset({"as", "asks", "continues", "removes", "starts", "tries"})
"""What a hint says that a command does."""


class Trouble(Struct, frozen=True):
    """In the world that `make` gives, `words` tell `code`. `follow` does what the hint says, and may return what is typed then, in
    place of the same words again."""

    code: str
    words: str
    make: Callable[[], World]
    follow: Follow
    leaves: tuple[str, ...] = ()
    """Codes of warnings that are still told then."""


def in_world(
    hint: str | tuple[str, ...], code: str, words: str, make: Callable[[], World], follow: Follow, **more: Any
) -> Any:
    """`hint`: as for `row` (tests/hints/follow.py)."""
    named = (hint,) if isinstance(hint, str) else hint
    return pytest.param(
        Trouble(code, words, make, follow, **more), marks=pytest.mark.follows(*named), id=code
    )


class Person:
    """Types commands in the folder of a world's project."""

    def __init__(self, world: World, devctl: Callable[..., Ran], patch: pytest.MonkeyPatch) -> None:
        self.world, self._devctl = world, devctl
        patch.setattr(wiring, "toolbox", self._toolbox)

    def types(self, words: str) -> tuple[int, list[Told]]:
        """The exit code, and everything that is reported."""
        ran = self._devctl("--json", *shlex.split(words))
        found = [*ran.envelope["warnings"]]
        found += [ran.envelope["error"]] if ran.envelope["error"] else []
        return ran.code, found

    def _toolbox(self, reporter: Reporter) -> Toolbox:
        return replace(self.world.box(), reporter=reporter)


def command(told: Told, at: int = 0) -> str:
    """The words after `devctl` in a command that the hint names; for `up` without what follows the logs."""
    said = list(itertools.takewhile(lambda word: word not in SAYS, COMMAND.findall(told["hint"])[at].split()))
    return " ".join([*said, "-d"] if said[0] == "up" and "-d" not in said else said)


def instead(at: int = 0) -> Follow:
    """The command of the hint is typed instead."""
    return lambda _person, told: command(told, at)


def first(at: int = 0) -> Follow:
    """The command of the hint is typed first."""

    def follow(person: Person, told: Told) -> None:
        assert person.types(command(told, at))[0] == 0

    return follow


def config(at: int = 0, **values: str) -> Follow:
    """The part in backticks goes into devctl.yaml."""

    def follow(person: Person, told: Told) -> None:
        before = yaml.safe_load(person.world.files.get(person.world.root / "devctl.yaml", "version: 1"))
        given = yaml.safe_load(filled(said(told, at), **values))
        person.world.save("devctl.yaml", yaml.safe_dump(merged(before, given)))

    return follow


def composed(at: int = 0, **values: str) -> Follow:
    """It goes into the compose file."""

    def follow(person: Person, told: Told) -> None:
        before = json.loads(person.world.files[person.world.root / "compose.yaml"])
        given = yaml.safe_load(filled(said(told, at), **values))
        person.world.save("compose.yaml", json.dumps(merged(before, given)))

    return follow


def saves(name: str, text: str, *, of: str = "") -> Follow:
    """A file is saved, of which the hint speaks."""

    def follow(person: Person, told: Told) -> None:
        assert (of or name) in told["hint"], told["hint"]
        person.world.save(name, text)

    return follow


def each(*follows: Follow) -> Follow:
    """One after the other; what the last one returns."""

    def follow(person: Person, told: Told) -> str | None:
        return [one(person, told) for one in follows][-1]

    return follow
