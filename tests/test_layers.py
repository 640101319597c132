"""The layers and their one rule (docs/explanation/architecture.md): imports point down."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.helpers import syntax_nodes, syntax_tree

ROOT = Path(__file__).parent.parent / "devctl"
FILES = sorted(p for p in ROOT.rglob("*.py"))

# layer → layers that it may import; `workflows` sees adapters only as Protocols, in domain/ports/toolbox.py.
MAY_IMPORT = {
    "errors": set(),
    "domain": {"errors", "domain"},
    "adapters": {"errors", "domain", "adapters"},
    "workflows": {"errors", "domain", "workflows"},
    "ui": {"errors", "domain", "ui"},
    "cli": {"errors", "domain", "workflows", "ui", "cli"},
}
OUTSIDE = {"errors": set(), "domain": set(), "workflows": set(), "ui": {"rich", "squarify"}, "cli": {"typer"}}
BOARD = ROOT / "ui" / "board"
"""The only folder of `ui` that loads the extra (docs/decisions/0027-full-view.md)."""
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
    "aiohttp": "textual_serve",
}  # the grammar; the transport whose errors the SDK lets out; what its requests and answers are made of


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return "errors" if first == "errors.py" else first


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Dotted names of everything imported, also inside functions and for annotations only."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in syntax_nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "devctl")


def outside(path: Path) -> set[str]:
    """Libraries, by their first word."""
    first = {name.split(".")[0] for name in imports(path)}
    plain = {"devctl", "msgspec"} | sys.stdlib_module_names  # our data is msgspec's Structs, in every room
    return {FAMILY.get(n, n) for n in first - plain}


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


def folder_of(path: Path) -> Path:
    """The folder of a layer that contains a file: `domain/go`, `workflows/preview`; the layer itself if there is none."""
    return Path(*path.relative_to(ROOT).parts[:2]) if len(path.relative_to(ROOT).parts) > 2 else Path()


def test_no_folder_needs_itself() -> None:
    """Nor do the folders of a layer: a subject can be read when those that it stands on are known."""
    ours = {".".join(("devctl", *p.relative_to(ROOT).with_suffix("").parts)): p for p in FILES}
    needs: dict[Path, set[Path]] = {}
    for path in FILES:
        mine = folder_of(path)
        others = {folder_of(ours[name]) for name in imports(path) if name in ours}
        needs.setdefault(mine, set()).update(o for o in others - {mine} if o.parts[:1] == mine.parts[:1])
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the folders


def test_a_folder_can_be_overlooked() -> None:
    files = {folder: [p.name for p in folder.glob("*.py")] for folder in {p.parent for p in FILES}}
    assert {str(f.relative_to(ROOT)): n for f, names in files.items() if (n := len(names)) > 15} == {}


def test_one_name_of_a_class_means_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for path in FILES:
        for node in syntax_nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_only_the_library_of_the_room() -> None:
    def strangers(path: Path) -> set[str]:
        own = {"yaml"} if path == ROOT / "domain/failures/catalog.py" else set()  # data of the package itself
        own |= {"textual"} if BOARD in path.parents else set()
        return outside(path) - OUTSIDE[room_of(path)] - own

    assert offenders(in_rooms(list(OUTSIDE)), strangers) == {}


def test_an_adapter_holds_one_library() -> None:
    assert offenders(in_rooms(["adapters"]), lambda p: found if len(found := outside(p)) > 1 else set()) == {}


def test_domain_has_no_io() -> None:
    def io(path: Path) -> set[str]:
        calls = {
            n.func.id for n in syntax_nodes(path) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        return set(imports(path)) & IO_MODULES | calls & {"open"}

    assert offenders(in_rooms(["domain"]), io) == {}


@pytest.mark.parametrize(
    ("what", "homes"),
    [
        ("import subprocess", {"adapters/system/process.py"}),
        ("os.environ", {"adapters/system/host.py"}),
        ("os.getenv", {"adapters/system/host.py"}),
        ("print(", {"ui"}),
        ("sys.stdout.write", {"ui"}),
        (
            "sys.stderr.write",
            {"adapters/system/host.py"},
        ),  # questions; what is printed escapes control characters
        ("typer.echo", set()),
        ("sys.exit", {"__main__.py"}),
        ("import click", set()),
        ("shell=True", set()),
    ],
)
def test_homes(what: str, homes: set[str]) -> None:
    word = re.compile(rf"\b{re.escape(what)}")
    maybe = [p for p in FILES if word.search(p.read_text(encoding="utf-8"))]
    found = {str(p.relative_to(ROOT)) for p in maybe if word.search(_code(p))}
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


def test_every_module_says_what_it_holds() -> None:
    silent = offenders(
        FILES,
        lambda p: {"no docstring"} if p.stat().st_size and not ast.get_docstring(syntax_tree(p)) else set(),
    )
    assert silent == {}
