"""`--help` and the other cheap calls load none of the heavy libraries, and nothing that only a project needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import devctl

ROOT = Path(devctl.__file__).parent
HEAVY = (
    "docker",
    "python_on_whales",
    "yaml",
    "watchfiles",
    "pydantic",
    "tree_sitter",
    "dockerfile",
    "rich",
    "requests",
    "textual",
    "textual_serve",
    "aiohttp",
    "devctl.domain.project.model",
    "devctl.domain.dockerfile.facts",
)
PROGRAM = """
import json, sys
from devctl.cli.app import main
code = main(json.loads(sys.argv[1]))
print("LOADED " + json.dumps([code, sorted(sys.modules)]))
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["up", "--help"], 0),
        (["bases", "pull", "--help"], 0),
        (["--version"], 0),
        (["ui", "--help"], 0),
        (["--json", "nonsense"], 2),
        (["up", "--nonsense"], 2),
        (["--json", "-C", "/nowhere/at/all", "up"], 2),
    ],
    ids=str,
)
def test_cheap_calls_load_nothing_heavy(words: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(words)], capture_output=True, text=True, check=True
    )
    got, modules = json.loads(done.stdout.splitlines()[-1].removeprefix("LOADED "))
    assert got == code
    assert [m for m in HEAVY if m in modules] == []
    if "--help" in words:
        assert [m for m in modules if m.startswith(("devctl.adapters.", "devctl.workflows."))] == []


def test_up_with_nothing_to_do_loads_nothing_heavy() -> None:
    """What finds out that nothing has to be done knows a State, not a project: reading one costs a third of that command."""
    program = "import json, sys, devctl.cli.wiring, devctl.ui.text, devctl.workflows.dev.up\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [m for m in (*HEAVY, "tomllib", "concurrent.futures") if m in json.loads(done.stdout)] == []


def test_no_pattern_is_compiled_before_it_is_asked() -> None:
    """`devctl.domain.regex` is for that."""
    compiled = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(ROOT.rglob("*.py"))
        for node in _outside_of_functions(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
    ]
    assert compiled == []


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield child
            yield from _outside_of_functions(child)
