"""The rooms and their one rule (docs/explanation/architecture.md): imports point down, files and functions stay small."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "devctl"
FILES = sorted(p for p in ROOT.rglob("*.py"))

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


def offenders(paths: Iterable[Path], of: Callable[[Path], set[str]]) -> dict[str, set[str]]:
    """What each file should not have, by file: one test says it of all."""
    found = {str(path.relative_to(ROOT)): of(path) for path in paths}
    return {name: what for name, what in found.items() if what}


def test_imports_point_down() -> None:
    def upwards(path: Path) -> set[str]:
        allowed = MAY_IMPORT[room_of(path)] | ({"adapters"} if path == ROOT / "cli/wiring.py" else set())
        used = {name.split(".")[1] for name in imports(path) if name.startswith("devctl.")}
        return (used & set(MAY_IMPORT)) - allowed

    assert offenders(in_rooms(list(MAY_IMPORT)), upwards) == {}


def test_no_file_needs_itself() -> None:
    """Imports have no circle, those for annotations included: each file can be read before those that stand on it."""
    ours = {".".join(("devctl", *p.relative_to(ROOT).with_suffix("").parts)): p for p in FILES}
    order = TopologicalSorter({p: {ours[name] for name in imports(p) if name in ours} for p in FILES})
    order.prepare()  # raises CycleError, which names the files


def test_only_the_library_of_the_room() -> None:
    assert offenders(in_rooms(list(OUTSIDE)), lambda path: outside(path) - OUTSIDE[room_of(path)]) == {}


def test_an_adapter_holds_one_library() -> None:
    assert offenders(in_rooms(["adapters"]), lambda p: found if len(found := outside(p)) > 1 else set()) == {}


def test_domain_has_no_io() -> None:
    def io(path: Path) -> set[str]:
        nodes = ast.walk(tree(path))
        calls = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        return set(imports(path)) & IO_MODULES | calls & {"open"}

    assert offenders(in_rooms(["domain"]), io) == {}


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


def test_sizes() -> None:
    def too_long(path: Path) -> set[str]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        functions = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        sizes = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
        own = {f"{lines} lines"} if lines > MAX_FILE else set()
        return own | {f"{name}: {size} lines" for name, size in sizes.items() if size > MAX_FUNCTION}

    assert offenders(FILES, too_long) == {}


def test_files_are_small_on_the_whole() -> None:
    assert statistics.median(len(p.read_text().splitlines()) for p in FILES) <= MEDIAN_FILE


def test_every_module_says_what_it_holds() -> None:
    silent = offenders(
        FILES, lambda p: {"no docstring"} if p.stat().st_size and not ast.get_docstring(tree(p)) else set()
    )
    assert silent == {}
