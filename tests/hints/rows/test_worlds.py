"""Hints of commands that change what runs: each is followed in a world in memory, and what it was given for is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Ran
from tests.hints.rows.command_rows import ROWS as COMMANDS
from tests.hints.rows.worlds import Person, Trouble


@pytest.mark.parametrize("trouble", COMMANDS)
def test_a_hint_that_is_followed_ends_well(
    trouble: Trouble,
    hinted: Callable[[str], str],
    devctl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = Person(trouble.make(), devctl, monkeypatch)
    _, before = person.types(trouble.words)
    problem = next((p for p in before if p["code"] == trouble.code), None)
    assert problem is not None, before
    hinted(problem["hint"])
    then = trouble.follow(person, problem)
    code, after = person.types(then or trouble.words)
    assert code == 0 and {p["code"] for p in after} == set(trouble.leaves), after
