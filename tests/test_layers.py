"""The rooms and their one rule (docs/explanation/architecture.md): imports point down, files and functions stay small."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "devctl"
FILES = sorted(p for p in ROOT.rglob("*.py"))
IDS = [str(p.relative_to(ROOT)) for p in FILES]

# room → rooms of ours that it may import; `workflows` sees adapters only as Protocols, in domain/ports.py.
MAY_IMPORT = {
    "errors": set(),
    "domain": {"errors", "domain"},
    "adapters": {"errors", "domain", "adapters"},
    "workflows": {"errors", "domain", "workflows"},
    "ui": {"errors", "domain", "ui"},
    "cli": {"errors", "domain", "workflows", "ui", "cli"},
}
OUTSIDE = {"errors": set(), "domain": set(), "workflows": set(), "ui": {"rich"}, "cli": {"typer"}}
# Standard modules that do I/O or ask the machine: `domain` decides on data and must not reach them.
IO_MODULES = {
    "os",
    "subprocess",
    "socket",
    "time",
    "shutil",
    "tempfile",
    "threading",
    "signal",
    "urllib.request",
}
FAMILY = {
    "tree_sitter_go": "tree_sitter",
    "requests": "docker",
}  # the grammar; the transport whose errors the SDK lets out
MAX_FILE, MEDIAN_FILE, MAX_FUNCTION = 300, 120, 42


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return "errors" if first == "errors.py" else first


@cache
def tree(path: Path) -> ast.Module:
    """Read only: it is parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything imported, also inside functions and for annotations only."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "devctl")


def outside(path: Path) -> set[str]:
    """Libraries, by their first word."""
    first = {name.split(".")[0] for name in imports(path)}
    return {FAMILY.get(n, n) for n in first if n != "devctl" and n not in sys.stdlib_module_names}


def in_rooms(names: list[str]) -> list[Path]:
    return [p for p in FILES if room_of(p) in names]


@pytest.mark.parametrize("path", in_rooms(list(MAY_IMPORT)), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    allowed = set(MAY_IMPORT[room_of(path)])
    if path == ROOT / "cli/wiring.py":
        allowed.add("adapters")
    used = {name.split(".")[1] for name in imports(path) if name.startswith("devctl.")}
    rooms = {name for name in used if name in MAY_IMPORT}
    assert rooms <= allowed


@pytest.mark.parametrize("path", in_rooms(list(OUTSIDE)), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_library_of_the_room(path: Path) -> None:
    assert outside(path) <= OUTSIDE[room_of(path)]


@pytest.mark.parametrize("path", in_rooms(["adapters"]), ids=lambda p: p.name)
def test_an_adapter_holds_one_library(path: Path) -> None:
    assert len(outside(path)) <= 1


@pytest.mark.parametrize("path", in_rooms(["domain"]), ids=lambda p: p.name)
def test_domain_has_no_io(path: Path) -> None:
    assert not set(imports(path)) & IO_MODULES
    calls = [
        n.func.id for n in ast.walk(tree(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]
    assert "open" not in calls


@pytest.mark.parametrize(
    ("what", "homes"),
    [
        ("import subprocess", {"adapters/process.py"}),
        ("os.environ", {"adapters/host.py"}),
        ("os.getenv", {"adapters/host.py"}),
        ("print(", {"ui"}),
        ("sys.stdout.write", {"ui"}),
        ("sys.exit", {"__main__.py"}),
        ("import click", set()),
        ("shell=True", set()),
    ],
)
def test_homes(what: str, homes: set[str]) -> None:
    found = {str(p.relative_to(ROOT)) for p in FILES if re.search(rf"\b{re.escape(what)}", _code(p))}
    assert {f for f in found if f not in homes and f.split("/")[0] not in homes} == set()


@cache
def _code(path: Path) -> str:
    """The file's statements without docstrings and comments."""
    own = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(own):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            node.value = ast.Constant(value=0)
    return ast.unparse(own)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION, f"{node.name} has {lines} lines"


def test_files_are_small_on_the_whole() -> None:
    assert statistics.median(len(p.read_text().splitlines()) for p in FILES) <= MEDIAN_FILE


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.stat().st_size], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_module_says_what_it_holds(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
