"""Environment variables that a Go file cannot do without: it is read, and where it is empty the program ends.

Seen are `if os.Getenv("X") == "" { log.Fatal(…) }` in its usual spellings, helpers such as `mustEnv("X")`, and struct
tags that say "required". What ends the program is Fatal, panic, os.Exit, or an error that is returned. What is read in
one branch of a function only does not count: that branch may never be taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from devctl.adapters.go_values import first, literal, text
from devctl.domain.gofacts import Located

if TYPE_CHECKING:
    from tree_sitter import Node, QueryCursor

_QUERY = """
(if_statement) @if
(call_expression function: [(identifier) (selector_expression)] arguments: (argument_list . (_) @first)) @call
"""
_READS = ("os.Getenv", "os.LookupEnv", "syscall.Getenv")
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_ENDS = re.compile(
    r"\bFatal|\bpanic\(|\bos\.Exit\([1-9]|\breturn\b[^\n]*(?:errors\.New\(|fmt\.Errorf\(|\b[eE]rr\w*)"
)
_HELPER = re.compile(r"(?i)^(?:must|require)\w*env$|^getrequired\w*env$")
# Set by whoever manages the process; a program that looks for them goes on without.
_MANAGERS = frozenset(
    """NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID JOURNAL_STREAM INVOCATION_ID KUBERNETES_SERVICE_HOST
    KUBERNETES_SERVICE_PORT HOSTNAME HOME USER PATH""".split()
)
_FUNCTIONS = ("function_declaration", "method_declaration", "func_literal")
_CASES = ("expression_case", "type_case", "communication_case", "default_case")
_BEFORE = 12  # statements above an `if` that may hold what it tests


def worth_a_look(source: bytes) -> bool:
    return b"nv(" in source


@cache
def _cursor() -> QueryCursor:
    import tree_sitter_go
    from tree_sitter import Language, Query, QueryCursor

    return QueryCursor(Query(Language(tree_sitter_go.language()), _QUERY))


def required(root: Node, path: str) -> Iterator[Located]:
    """`root` of a parsed file; places are `path:line` of the reading."""
    for _, captures in _cursor().matches(root):
        tested = (found for node in captures.get("if", ()) for found in _tested(node))
        helped = (found for node in captures.get("call", ()) for found in _helped(node, captures["first"][0]))
        for name, node in (*tested, *helped):
            if name not in _MANAGERS and not _only_sometimes(node):
                yield Located(name, f"{path}:{node.start_point[0] + 1}")


def _only_sometimes(node: Node) -> bool:
    """Whether it is read in one branch of its function: `if flags.bucket != "" { key := os.Getenv("KEY") … }`."""
    inner, around = node, node.parent
    while around is not None and around.type not in _FUNCTIONS:
        if around.type in _CASES:
            return True
        branches = [around.child_by_field_name(name) for name in ("consequence", "alternative")]
        if around.type == "if_statement" and inner in branches:
            return True
        inner, around = around, around.parent
    return False


def tagged(tags: dict[str, str]) -> str | None:
    """The variable that a struct tag requires; None where it requires none. `tags`: key → value of one field."""
    for key in ("env", "envconfig"):
        name, *options = (word.strip() for word in tags.get(key, "").split(","))
        asked = {"required", "notEmpty"} & set(options)
        if _NAME.fullmatch(name) and (asked or "true" in (tags.get("required"), tags.get("env-required"))):
            return name
    return None


def _helped(call: Node, argument: Node) -> Iterator[tuple[str, Node]]:
    function = text(call.child_by_field_name("function")).rpartition(".")[2]
    name = literal(argument)
    if name is not None and _NAME.fullmatch(name) and _HELPER.search(function):
        yield name, call


def _tested(node: Node) -> Iterator[tuple[str, Node]]:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    if condition is not None and _ENDS.search(text(body)):
        yield from _missing(node, condition)


def _missing(node: Node, condition: Node) -> Iterator[tuple[str, Node]]:
    """What is empty or not set where the condition holds."""
    if condition.type == "parenthesized_expression" and condition.named_children:
        yield from _missing(node, condition.named_children[0])
    elif condition.type == "unary_expression" and text(condition).startswith("!"):
        yield from _read(node, condition.child_by_field_name("operand"))
    elif condition.type == "binary_expression":
        left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
        sign = text(condition.child_by_field_name("operator"))
        if sign == "||" and left is not None and right is not None:
            yield from _missing(node, left)
            yield from _missing(node, right)
        elif sign == "==" and text(right) in ('""', "``", "0"):
            yield from _read(node, left)


def _read(node: Node, value: Node | None) -> Iterator[tuple[str, Node]]:
    """The variable that a value was read from: at once, in the `if`'s own assignment, or in one shortly before it."""
    value = _bare(value)
    if value is None:
        return
    if value.type == "call_expression":
        yield from _named(value)
    elif value.type == "identifier":
        above = node.child_by_field_name("initializer") or node.prev_named_sibling
        for _ in range(_BEFORE):
            if above is None:
                return
            call = _assigned(above, text(value))
            if call is not None:
                yield from _named(call)
                return
            above = above.prev_named_sibling


def _bare(value: Node | None) -> Node | None:
    """Without `len( )`, `strings.TrimSpace( )`, parentheses around it."""
    while value is not None and value.type in ("call_expression", "parenthesized_expression"):
        if value.type == "call_expression":
            if text(value.child_by_field_name("function")) not in ("len", "strings.TrimSpace"):
                return value
            value = value.child_by_field_name("arguments")
        value = value.named_children[0] if value is not None and value.named_children else None
    return value


def _assigned(statement: Node, name: str) -> Node | None:
    """The call whose result a statement gives to `name`."""
    if statement.type == "var_declaration" and statement.named_children:
        statement = statement.named_children[0]
    left = statement.child_by_field_name("left") or statement.child_by_field_name("name")
    right = statement.child_by_field_name("right") or statement.child_by_field_name("value")
    if left is None or right is None or name not in [word.strip() for word in text(left).split(",")]:
        return None
    found = _bare(right.named_children[0] if right.named_children else None)
    return found if found is not None and found.type == "call_expression" else None


def _named(call: Node) -> Iterator[tuple[str, Node]]:
    name = literal(first(call.child_by_field_name("arguments")))
    if name is not None and _NAME.fullmatch(name) and text(call.child_by_field_name("function")) in _READS:
        yield name, call
