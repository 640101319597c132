"""Each hint of the tree has a test that follows it, or a reason why none does (`exempt.py`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.helpers import syntax_nodes
from tests.hints.exempt import EXEMPT, OPEN
from tests.hints.texts import keys

HERE = Path(__file__).parent
TESTS = HERE.parent
ROWS = ("row", "go", "up", "in_world")
"""Functions of the tables here whose first argument is a hint."""
LEFT = 10
"""How many hints no test follows yet. It only falls."""


@cache
def followed() -> frozenset[str]:
    """What is in the marks `follows` of tests and in the rows of the tables here."""
    found = (
        key
        for path in TESTS.rglob("*.py")
        for node in syntax_nodes(path)
        for key in _named(node, table=HERE in path.parents)
    )
    return frozenset(found)


def _named(node: ast.AST, *, table: bool) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    given = node.args if name.endswith("mark.follows") else node.args[:1] if table and name in ROWS else []
    for value in given:
        each = value.elts if isinstance(value, ast.Tuple) else [value]
        yield from (v.value for v in each if isinstance(v, ast.Constant) and isinstance(v.value, str))


def exempt() -> list[str]:
    return [key for listed in EXEMPT.values() for key in listed]


def test_each_hint_is_followed_by_a_test_or_says_why_not() -> None:
    missing = {key: place for key, place in keys().items() if key not in {*followed(), *exempt(), *OPEN}}
    assert missing == {}, "a test with the mark `follows`, or a row of a table (docs/explanation/testing.md)"


def test_nothing_else_is_followed() -> None:
    assert {*followed(), *exempt()} - set(keys()) == set(), "no hint of the tree reads like this"


def test_a_hint_that_is_followed_is_not_exempt() -> None:
    listed = [*exempt(), *OPEN]
    assert [key for key in listed if key in followed() or listed.count(key) > 1] == []


def test_what_is_left_to_do_only_gets_less() -> None:
    assert len(OPEN) <= LEFT
