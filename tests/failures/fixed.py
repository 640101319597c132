"""Faults that are fixed without a person: read from the marks of the tests that inject them, so that none is only claimed.

`@pytest.mark.fixes("the fault", by="what fixes it", code="the code of the error, where there is one")`, several where a
test injects several. A test that carries `engine` too (by itself or by its file) has a real engine below it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

TESTS = Path(__file__).parents[1]


class Fixed(Struct, frozen=True):
    """`test` is `path::name` below tests/; `tried`: on what it was injected."""

    fault: str
    by: str
    code: str
    test: str
    tried: str


@cache
def fixed() -> tuple[Fixed, ...]:
    """In the order of what fixes them, then of the faults' names."""
    found = [row for path in sorted(TESTS.rglob("test_*.py")) for row in _of_file(path)]
    return tuple(sorted(found, key=lambda row: (row.by, row.fault)))


def fixed_by(code: str) -> str:
    """What the rows of one code say, for the tables of the dictionary."""
    return ", ".join(dict.fromkeys(row.by for row in fixed() if row.code == code))


def _of_file(path: Path) -> Iterator[Fixed]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = path.relative_to(TESTS).as_posix()
    everywhere = [ast.unparse(node.value) for node in tree.body if _is_pytestmark(node)]
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        marks = [ast.unparse(d) for d in node.decorator_list] + everywhere
        engine = any("pytest.mark.engine" in mark for mark in marks)
        for call in _marks(node.decorator_list):
            said = {key.arg or "": _text(key.value) for key in call.keywords}
            tried = said.get("tried") or ("a real engine" if engine else "real files")
            yield Fixed(_text(call.args[0]), said["by"], said.get("code", ""), f"{here}::{node.name}", tried)


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _marks(decorators: Sequence[ast.expr]) -> Iterator[ast.Call]:
    for found in decorators:
        if isinstance(found, ast.Call) and ast.unparse(found.func) == "pytest.mark.fixes":
            yield found


def _text(node: ast.expr) -> str:
    value = ast.literal_eval(node)
    assert isinstance(value, str), ast.unparse(node)
    return value
