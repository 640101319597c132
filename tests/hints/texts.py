"""Every hint that devctl can give: the texts of the source that stand where a hint does, and those of the failure dictionary.

`placeholder` stands for what is filled in at run time. Only texts are read, nothing of devctl runs.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import islice, product
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.failures.catalog import entries
from tests.helpers import syntax_tree

SOURCE = Path(__file__).parents[2] / "devctl"
_NAMED = re.compile(r"hint|remedy|mend|by_hand|in_config", re.IGNORECASE)
_MANY = 12
# Which argument of these is the hint, counted from 0.
_THIRD = {"Problem": 2, "warn": 1, "fail": 1, "offer": 2, "_in": 2, "_reason": -1, "_fail": 1, "_warn": 1}


class Hint(Struct, frozen=True):
    where: str
    text: str


def hints(placeholder: str) -> list[Hint]:
    return [*_of_source(placeholder), *_of_dictionary(placeholder)]


def keys() -> dict[str, str]:
    """Each hint once, with `…` for what is filled in, and the file or entry that gives it. A text of several places is one hint
    for each, `PLACE | TEXT`: what helps here may not help there."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    gaps: defaultdict[str, str] = defaultdict(lambda: "…")
    told = [Hint(f"entry {entry.code}", entry.hint.format_map(gaps)) for entry in entries()]
    for hint in (*_of_source("…"), *told):
        if not re.fullmatch(r"[…\s;,]*", hint.text):
            found[hint.text].add(re.sub(r":\d+$", "", hint.where))
    return {
        text if len(places) == 1 else f"{place} | {text}": place
        for text, places in found.items()
        for place in sorted(places)
    }


def pattern_of(key: str) -> re.Pattern[str]:
    """What a hint with this key looks like: something for each gap. It may be part of a longer one."""
    text = key.partition(" | ")[2] if re.match(r"[\w./ -]+ \| ", key) else key
    return re.compile(".*".join(map(re.escape, text.split("…"))), re.DOTALL)


def _of_dictionary(placeholder: str) -> Iterator[Hint]:
    for entry in entries():
        for sample in entry.samples:
            found = {"service": sample.facts.service} | sample.found
            text = entry.hint.format_map(defaultdict(lambda: placeholder, found))
            yield Hint(f"entry {entry.code}", text)


def _of_source(placeholder: str) -> Iterator[Hint]:
    for where, tree, around, value in _expressions():
        for text in _Texts(tree, around, placeholder).of(value):
            yield Hint(where, text)


@cache
def _expressions() -> list[tuple[str, ast.Module, ast.AST, ast.expr]]:
    """Each expression of the source that is a hint: its place, the file and the function around it, itself."""
    found: list[tuple[str, ast.Module, ast.AST, ast.expr]] = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = syntax_tree(path)
        name = path.relative_to(SOURCE).as_posix()
        for around, node in _with_function(tree, tree):
            found += [(f"{name}:{value.lineno}", tree, around, value) for value in _hinted(node)]
    return found


def _with_function(node: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Each node, and its enclosing function."""
    yield around, node
    inside = node if isinstance(node, ast.FunctionDef) else around
    for child in ast.iter_child_nodes(node):
        yield from _with_function(child, inside)


def _hinted(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that are a hint: of a keyword, a variable, a constant or a function of that name, or a positional argument."""
    match node:
        case ast.Call():
            yield from (k.value for k in node.keywords if k.arg is not None and _NAMED.search(k.arg))
            index = _THIRD.get(ast.unparse(node.func).rpartition(".")[2])
            if index is not None and -len(node.args) <= index < len(node.args):
                yield node.args[index]
        case ast.Assign() if any(_NAMED.search(ast.unparse(target)) for target in node.targets):
            yield node.value
        case ast.AnnAssign() | ast.AugAssign() if node.value is not None and _NAMED.search(
            ast.unparse(node.target)
        ):
            yield node.value
        case ast.FunctionDef() if _NAMED.search(node.name):
            yield from (r.value for r in ast.walk(node) if isinstance(r, ast.Return) and r.value is not None)


class _Texts(Struct):
    """What an expression in a function can say, as far as it is written there: each branch of a choice, each value of a table, each
    text that a variable is given, what a function of the same file returns."""

    tree: ast.Module
    around: ast.AST
    placeholder: str

    def of(self, node: ast.expr, depth: int = 4) -> list[str]:
        match node:
            case ast.Constant(value=str() as text):
                return [text]
            case ast.JoinedStr():
                parts = [self._part(value, depth) for value in node.values]
                return ["".join(words) for words in islice(product(*parts), _MANY)]
            case ast.IfExp():
                return [*self.of(node.body, depth), *self.of(node.orelse, depth)]
            case ast.BoolOp():
                return [text for value in node.values for text in self.of(value, depth) or [self.placeholder]]
            case ast.BinOp(op=ast.Add()):
                sides = [self.of(side, depth) or [self.placeholder] for side in (node.left, node.right)]
                return ["".join(words) for words in islice(product(*sides), _MANY)]
            case ast.Dict():
                return [text for value in node.values for text in self.of(value, depth)]
            case ast.Tuple() | ast.List():
                return [text for value in node.elts for text in self.of(value, depth)]
            case ast.Name() if depth > 0 and not _NAMED.search(node.id):
                return [text for made in self._given(node.id) for text in self.of(made, depth - 1)]
            case ast.Call(func=ast.Name(id=name)) if depth > 0 and not _NAMED.search(name):
                return [
                    text
                    for made, around in self._returned(name)
                    for text in replace(self, around=around).of(made, depth - 1)
                ]
        return []

    def _part(self, node: ast.expr, depth: int) -> list[str]:
        value = node.value if isinstance(node, ast.FormattedValue) else node
        if isinstance(value, ast.Name) and depth > 0 and not _NAMED.search(value.id):
            given = [text for made in self._given(value.id) for text in self.of(made, depth - 1)]
            return given or [self.placeholder]
        return self.of(value, depth) or [self.placeholder]

    def _given(self, name: str) -> Iterator[ast.expr]:
        for node in ast.walk(self.around):
            if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]:
                yield node.value

    def _returned(self, name: str) -> Iterator[tuple[ast.expr, ast.AST]]:
        for made in self.tree.body:
            if isinstance(made, ast.FunctionDef) and made.name == name:
                yield from (
                    (r.value, made)
                    for r in ast.walk(made)
                    if isinstance(r, ast.Return) and r.value is not None
                )
