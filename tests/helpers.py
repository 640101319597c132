"""Small things that tests share."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings

T = TypeVar("T")


def spread(rows: Iterable[T], turn: int = 0) -> list[T]:
    """All rows of a table whose rows cost time; `make fast` takes every third, of each table (`turn`) others."""
    step = 1 if settings().max_examples >= 100 else 3
    return list(rows)[turn % step :: step]


@cache
def syntax_tree(path: Path) -> ast.Module:
    """Read only: a file is parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def syntax_nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(syntax_tree(path)))


def build_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write `files` (path to text) below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def save(path: Path, text: str) -> None:
    """As editors do: a temporary file, then a rename. A file that is written in place is empty for a moment, which on a busy
    machine is seen as a save of its own."""
    owner = path.stat() if path.exists() else path.parent.stat()
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(text, encoding="utf-8", newline="")
    os.chown(temporary, owner.st_uid, owner.st_gid)
    temporary.rename(path)


def filled_in(value: Any) -> Any:
    """What compose makes of a value of a file: `$$` is a dollar sign, and any other `$` would be a variable. Names stay."""
    if isinstance(value, str):
        assert "$" not in value.replace("$$", ""), "compose would look for a variable here"
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: filled_in(item) for key, item in value.items()}
    return [filled_in(item) for item in value] if isinstance(value, list) else value


def open_to_others(folder: Path) -> None:
    """pytest closes its folders (`/tmp/pytest-of-USER/pytest-N/…`) to other users; a worker of xdist has one more."""
    above = next((at for at, path in enumerate(folder.parents) if path.name.startswith("pytest-of-")), 2)
    for path in (folder, *folder.parents[: above + 1]):
        path.chmod(0o755)
