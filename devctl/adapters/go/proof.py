"""Whether a listen call is bound to the loopback for certain: its value followed through the text, and given up at the first doubt.

`values.py` guesses, since a port that is likely is better than none. A warning needs more than that.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devctl.adapters.go.values import filled_in, first, literal, text
from devctl.domain.detect.address import parse_address

if TYPE_CHECKING:
    from tree_sitter import Node

MENTIONED = re.compile(rb"localhost|127[.]|::1")
"""What the source of a package says in which anything is bound to the loopback."""
_DEPTH = 8
_FUNCTIONS = ("function_declaration", "method_declaration", "func_literal")
Known = frozenset[str] | None
"""Every value that an expression can have; None where the text does not tell all of them."""


@dataclass(frozen=True, slots=True)
class Proof:
    """`roots`: the files of one package."""

    roots: Sequence[Node]
    _all: list[Node] = field(default_factory=list)

    def loopback(self, node: Node) -> str | None:
        """The address, where each value that this expression can have is one of the loopback."""
        known = sorted(self._known(node, _DEPTH) or ())
        addresses = [parse_address(value) for value in known]
        return known[0] if known and all(a is not None and a.only_inside for a in addresses) else None

    def _known(self, node: Node | None, depth: int) -> Known:
        if node is None or depth == 0:
            return None
        if (value := literal(node)) is not None:
            return frozenset([value])
        match node.type:
            case "parenthesized_expression":
                return self._known(first(node), depth - 1)
            case "binary_expression":
                sides = [self._known(node.child_by_field_name(side), depth - 1) for side in ("left", "right")]
                return _combined(sides, "".join)
            case "call_expression":
                return self._called(node, depth - 1)
            case "identifier":
                return self._variable(node, depth - 1)
            case "selector_expression":
                return self._field(node, depth - 1)
        return None

    def _called(self, call: Node, depth: int) -> Known:
        arguments = call.child_by_field_name("arguments")
        values = [self._known(child, depth) for child in (arguments.named_children if arguments else ())]
        match text(call.child_by_field_name("function")):
            case "net.JoinHostPort":
                return _combined(values, ":".join)
            case "fmt.Sprintf":
                return _combined(values, lambda words: filled_in(words[0], words[1:]) or "")
            case "strconv.Itoa" | "string":
                return values[0] if values else None
        return None

    def _variable(self, used: Node, depth: int) -> Known:
        name = text(used)
        around = list(_functions(used))
        for function in around:
            if (index := _parameter(function, name)) is not None:
                return self._given(function, index, depth)
        inside = list(_assigned(name, _walk(around[-1]))) if around else []
        return self._united(inside or list(_assigned(name, self._nodes())), depth)

    def _given(self, function: Node, index: int, depth: int) -> Known:
        """What the package calls a function of its own with; others may call one that is exported."""
        name = text(function.child_by_field_name("name"))
        if function.type != "function_declaration" or name[:1].isupper():
            return None
        given: list[Node | None] = []
        for node in self._nodes():
            if node.type == "identifier" and text(node) == name and node.parent != function:
                call = node.parent
                if call is None or call.type != "call_expression":
                    return None  # handed on as a value
                arguments = call.child_by_field_name("arguments")
                children = arguments.named_children if arguments is not None else []
                given.append(children[index] if index < len(children) else None)
        return self._united(given, depth)

    def _field(self, used: Node, depth: int) -> Known:
        """`cfg.Addr` of a variable that is given a struct with that field written out, and nothing else afterwards."""
        operand, name = used.child_by_field_name("operand"), text(used.child_by_field_name("field"))
        around = list(_functions(used))
        if operand is None or operand.type != "identifier" or not around:
            return None
        if any(_parameter(function, text(operand)) is not None for function in around):
            return None
        scope = list(_walk(around[-1]))
        made = list(_assigned(text(operand), scope)) or list(_assigned(text(operand), self._nodes()))
        given = [_written(node, name) for node in made]
        given += _assigned(text(used), self._nodes())
        return self._united(given, depth)

    def _united(self, nodes: Sequence[Node | None], depth: int) -> Known:
        each = [self._known(node, depth) for node in nodes]
        return frozenset(itertools.chain(*(e for e in each if e))) if each and None not in each else None

    def _nodes(self) -> list[Node]:
        if not self._all:
            self._all.extend(node for root in self.roots for node in _walk(root))
        return self._all


def _combined(values: Sequence[Known], joined: Callable[[Sequence[str]], str]) -> Known:
    if None in values or not values:
        return None
    return frozenset(joined(words) for words in itertools.product(*(v for v in values if v is not None)))


def _walk(node: Node) -> Iterator[Node]:
    found = [node]
    while found:
        current = found.pop()
        yield current
        found += current.named_children


def _functions(node: Node) -> Iterator[Node]:
    """Those that a node stands in, from the inside."""
    around = node.parent
    while around is not None:
        if around.type in _FUNCTIONS:
            yield around
        around = around.parent


def _parameter(function: Node, name: str) -> int | None:
    parameters = function.child_by_field_name("parameters")
    declared = parameters.named_children if parameters is not None else []
    receiver = function.child_by_field_name("receiver")
    names = [text(n) for d in declared for n in d.children_by_field_name("name")]
    if receiver is not None and name in [text(n) for d in receiver.named_children for n in d.named_children]:
        return -1
    return names.index(name) if name in names else None


def _assigned(name: str, nodes: Sequence[Node] | Iterator[Node]) -> Iterator[Node | None]:
    """Everything that a variable of this name is given; None for what is given in a way that says nothing (`a, err := f()`,
    a pointer to it that is handed on)."""
    for node in nodes:
        if node.type in ("short_var_declaration", "assignment_statement", "range_clause"):
            yield from _paired(name, node.child_by_field_name("left"), node.child_by_field_name("right"))
        elif node.type in ("var_spec", "const_spec"):
            names = [text(n) for n in node.children_by_field_name("name")]
            values = node.child_by_field_name("value")
            given = values.named_children if values is not None else []
            if name in names and (given or node.type == "var_spec"):
                yield given[names.index(name)] if len(given) == len(names) else None
        elif node.type == "unary_expression" and text(node) == f"&{name}":
            yield None


def _paired(name: str, left: Node | None, right: Node | None) -> Iterator[Node | None]:
    names = [text(n) for n in (left.named_children if left is not None else ())]
    given = right.named_children if right is not None else []
    if name in names:
        yield given[names.index(name)] if len(given) == len(names) else None


def _written(node: Node | None, key: str) -> Node | None:
    """The value of a key in `Config{Addr: …}` or `&Config{…}`."""
    made = first(node) if node is not None and node.type == "unary_expression" else node
    body = made.child_by_field_name("body") if made is not None and made.type == "composite_literal" else None
    for pair in body.named_children if body is not None else ():
        words = pair.named_children
        if pair.type == "keyed_element" and len(words) == 2 and text(words[0]) == key:
            return first(words[1])
    return None
