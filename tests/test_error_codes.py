"""Every code that an error or a warning can carry is in docs/reference (exit-codes.md, or faults.md), and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from devctl.domain.failures.catalog import entries
from devctl.domain.lint.rules import RULES
from tests.helpers import syntax_nodes

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "exit-codes.md"
FAULTS = ROOT / "docs" / "reference" / "faults.md"
CARRIERS = {"Problem", "Explained", "Finding"}


@cache
def in_the_source() -> set[str]:
    found = {code for path in (ROOT / "devctl").rglob("*.py") for code in _codes(path)}
    # `broken` is caught where it is raised; the parser of go.mod and go.work takes its code from the file's name.
    found |= {rule.id for rule in RULES}  # each of its findings is a warning
    return found - {"broken", ""} | {"broken-go-mod", "broken-go-work"} | {entry.code for entry in entries()}


def _codes(path: Path) -> Iterator[str]:
    """`code="word"` of a call, and the first word of what carries one by position: also of a function that makes a `Problem`."""
    makers = {
        node.name
        for node in syntax_nodes(path)
        if isinstance(node, ast.FunctionDef) and [a.arg for a in node.args.args][:1] == ["code"]
    }
    for node in syntax_nodes(path):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("_CODE", "CODE"):
            yield from (v.value for v in ast.walk(node.value) if isinstance(v, ast.Constant))
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        values = [k.value for k in node.keywords if k.arg == "code"]
        values += node.args[:1] if name in CARRIERS | makers else []
        either = [part for v in values for part in ((v.body, v.orelse) if isinstance(v, ast.IfExp) else (v,))]
        yield from (v.value for v in either if isinstance(v, ast.Constant) and isinstance(v.value, str))


def in_the_page() -> set[str]:
    tables = PAGE.read_text().partition("## Errors have codes too")[2].partition("## The report of a bug")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and "---" not in line]
    listed = {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row.split("|")[2])}
    return listed | set(re.findall(r"^\| .*\| \d+ \| `([a-z0-9-]+)` \|", FAULTS.read_text(), re.M))


def test_the_page_lists_each_code_once_and_no_other() -> None:
    assert sorted(in_the_source() - in_the_page()) == [], "not documented"
    assert sorted(in_the_page() - in_the_source()) == [], "documented, but nothing says it"


def test_codes_are_kebab_case_words() -> None:
    assert [c for c in in_the_source() if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", c)] == []
