"""What of its environment a Go file cannot do without: where a variable is empty, or a file of them missing, the program ends.

Seen are `if os.Getenv("X") == "" { log.Fatal(…) }` in its usual spellings, helpers such as `mustEnv("X")`, helpers of the
file itself that end the program for the name they are given, struct tags that say "required", and `godotenv.Load()` with a
Fatal behind it. What ends the program is Fatal, panic, os.Exit, or an error that is returned. What is read in one branch of
a function only does not count: that branch may never be taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from devctl.adapters.go.values import first, literal, text
from devctl.domain.go.facts import Located

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


_LOADS = re.compile(r"^godotenv\.(?:Load|Overload|Read)$")


def worth_a_look(source: bytes) -> bool:
    return b"nv(" in source or b"godotenv." in source


@cache
def _cursor() -> QueryCursor:
    import tree_sitter_go
    from tree_sitter import Language, Query, QueryCursor

    return QueryCursor(Query(Language(tree_sitter_go.language()), _QUERY))


def required(root: Node, path: str) -> Iterator[Located]:
    """`root` of a parsed file; places are `path:line` of the reading."""
    matches = [captures for _, captures in _cursor().matches(root)]
    ifs = [node for captures in matches for node in captures.get("if", ())]
    helpers = frozenset(name for node in ifs for name in _helper(node))
    for captures in matches:
        tested = (found for node in captures.get("if", ()) for found in _tested(node))
        helped = (
            found
            for node in captures.get("call", ())
            for found in _helped(node, captures["first"][0], helpers)
        )
        for name, node in (*tested, *helped):
            if name not in _MANAGERS and not _only_sometimes(node):
                yield Located(name, f"{path}:{node.start_point[0] + 1}")


def env_files(root: Node, path: str) -> Iterator[Located]:
    """Files of variables without which the program ends; godotenv looks for `.env` where it is told none."""
    for _, captures in _cursor().matches(root):
        for node in captures.get("if", ()):
            body, error = node.child_by_field_name("consequence"), _failed(node)
            call = _origin(node, error) if error is not None and _ENDS.search(text(body)) else None
            if call is None or not _LOADS.search(text(call.child_by_field_name("function"))):
                continue
            if not _only_sometimes(call):
                arguments = call.child_by_field_name("arguments")
                for name in _names(arguments):
                    yield Located(name, f"{path}:{call.start_point[0] + 1}")


def _names(arguments: Node | None) -> list[str]:
    given = arguments.named_children if arguments is not None else []
    return [value for node in given if (value := literal(node))] if given else [".env"]


def _failed(node: Node) -> Node | None:
    """`err` of `if err != nil`."""
    condition = node.child_by_field_name("condition")
    if condition is None or condition.type != "binary_expression" or not text(condition).endswith("!= nil"):
        return None
    left = condition.child_by_field_name("left")
    return left if left is not None and left.type == "identifier" else None


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
    """The variable that a struct tag requires; None where it requires none, or where a configuration file may have it as
    well (cleanenv). `tags`: key → value of one field."""
    if "env-required" in tags and {"yaml", "json", "toml"} & tags.keys():
        return None
    for key in ("env", "envconfig"):
        name, *options = (word.strip() for word in tags.get(key, "").split(","))
        asked = {"required", "notEmpty"} & set(options)
        if _NAME.fullmatch(name) and (asked or "true" in (tags.get("required"), tags.get("env-required"))):
            return name
    return None


def _helper(node: Node) -> Iterator[str]:
    """The function that an `if` stands in, where it ends the program for want of the variable whose name it is given."""
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    if condition is None or not _ENDS.search(text(body)):
        return
    for call in _reads_of_empty(node, condition):
        argument, around = first(call.child_by_field_name("arguments")), node.parent
        while around is not None and around.type not in _FUNCTIONS:
            around = around.parent
        named = around.child_by_field_name("name") if around is not None else None
        given = text(around.child_by_field_name("parameters")) if around is not None else ""
        if named is not None and argument is not None and re.match(rf"\({text(argument)} string\)$", given):
            yield text(named)


def _helped(call: Node, argument: Node, helpers: frozenset[str]) -> Iterator[tuple[str, Node]]:
    function = text(call.child_by_field_name("function")).rpartition(".")[2]
    name = literal(argument)
    if name is not None and _NAME.fullmatch(name) and (_HELPER.search(function) or function in helpers):
        yield name, call


def _tested(node: Node) -> Iterator[tuple[str, Node]]:
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    if condition is not None and _ENDS.search(text(body)):
        for call in _reads_of_empty(node, condition):
            yield from _named(call)


def _reads_of_empty(node: Node, condition: Node) -> Iterator[Node]:
    """The calls whose result is empty or not set where the condition holds."""
    if condition.type == "parenthesized_expression" and condition.named_children:
        yield from _reads_of_empty(node, condition.named_children[0])
    elif condition.type == "unary_expression" and text(condition).startswith("!"):
        yield from _read(node, condition.child_by_field_name("operand"))
    elif condition.type == "binary_expression":
        left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
        sign = text(condition.child_by_field_name("operator"))
        if sign == "||" and left is not None and right is not None:
            yield from _reads_of_empty(node, left)
            yield from _reads_of_empty(node, right)
        elif sign == "==" and text(right) in ('""', "``", "0"):
            yield from _read(node, left)


def _read(node: Node, value: Node | None) -> Iterator[Node]:
    """The call that a value comes from."""
    value = _bare(value)
    call = _origin(node, value) if value is not None else None
    if call is not None and text(call.child_by_field_name("function")) in _READS:
        yield call


def _origin(node: Node, value: Node) -> Node | None:
    """The call itself, or the one in the `if`'s own assignment, or in an assignment shortly before it."""
    if value.type != "identifier":
        return value if value.type == "call_expression" else None
    above = node.child_by_field_name("initializer") or node.prev_named_sibling
    for _ in range(_BEFORE):
        if above is None:
            return None
        call = _assigned(above, text(value))
        if call is not None:
            return call
        above = above.prev_named_sibling
    return None


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
    if name is not None and _NAME.fullmatch(name):
        yield name, call
