"""What a Go file requires from its environment: the program exits if a variable is empty or a file of variables is missing.

Recognised are `if os.Getenv("X") == "" { log.Fatal(…) }` in its usual spellings, helpers such as `mustEnv("X")`, helpers in
the file itself that exit for the name they are given, struct tags that say "required", and `godotenv.Load()` followed by a
Fatal. Exits are Fatal, panic, os.Exit and a returned error. What is read in only one branch of a function does not count: that
branch may never be taken.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from devctl.adapters.go.values import ENV_NAME, literal, text
from devctl.domain.go.facts import EnvFile, Located
from devctl.domain.regex import regex

if TYPE_CHECKING:
    from tree_sitter import Node, QueryCursor

_QUERY = """
(if_statement) @if
(call_expression function: [(identifier) (selector_expression)] arguments: (argument_list . (_) @first)) @call
"""
_READ = r"(?:os\.Getenv|os\.LookupEnv|syscall\.Getenv)\((?P<argument>[^()]*)\)"
_GIVEN = regex(rf"(?:strings\.TrimSpace\()?{_READ}\)?")
_LACKING = regex(rf'(?:{_READ}|(?<![\w.])(?P<empty>[\w.]+))[)\s]*==\s*(?:""|``|0\b)|!\s*(?P<missing>\w+)')
_FAILED = regex(r"(\w+) != nil")
_LOADS = regex(r"godotenv\.(?:Load|Overload|Read)\((?P<files>[^()]*)\)")
_QUOTED = regex(r'["`]([^"`]+)["`]')
_ENDS = regex(
    r"\bFatal|\bpanic\(|\bos\.Exit\([1-9]|\breturn\b(?:(?!\breturn\b)[^\n])*(?:errors\.New\(|fmt\.Errorf\(|\b[eE]rr)"
)
_HELPER = regex(r"(?i)^(?:must|require)\w*env$|^getrequired\w*env$")
# Set by the process manager; a program that looks for them continues without.
_MANAGERS = frozenset(
    """NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID JOURNAL_STREAM INVOCATION_ID KUBERNETES_SERVICE_HOST
    KUBERNETES_SERVICE_PORT HOSTNAME HOME USER PATH""".split()
)
_FUNCTIONS = ("function_declaration", "method_declaration", "func_literal")
_CASES = ("expression_case", "type_case", "communication_case", "default_case")
_LONG = 4_000  # bytes of a condition, a block or a statement; longer ones are not how a variable is tested
_BEFORE = 12  # statements before an `if` that may contain what it tests


def worth_a_look(source: bytes) -> bool:
    return b"nv(" in source or b"godotenv." in source


@cache
def _cursor() -> QueryCursor:
    import tree_sitter_go
    from tree_sitter import Language, Query, QueryCursor

    return QueryCursor(Query(Language(tree_sitter_go.language()), _QUERY))


def required(root: Node, path: str) -> Iterator[Located]:
    """`root` of a parsed file; places are `path:line`, with the path of the reading."""
    matches = [captures for _, captures in _cursor().matches(root)]
    reads = [read for captures in matches for node in captures.get("if", ()) for read in _lacking(node)]
    helpers = {name for argument, node in reads for name in _helper(argument, node)}
    found = [(quoted[1], node) for argument, node in reads if (quoted := _QUOTED.fullmatch(argument))]
    for captures in matches:
        for call in captures.get("call", ()):
            function = text(call.child_by_field_name("function")).rpartition(".")[2]
            if _HELPER.search(function) or function in helpers:
                found.append((literal(captures["first"][0]) or "", call))
    for name, node in found:
        if ENV_NAME.fullmatch(name) and name not in _MANAGERS and not _only_sometimes(node):
            yield Located(name, f"{path}:{node.start_point[0] + 1}")


def env_files(root: Node, path: str) -> Iterator[EnvFile]:
    """Files of variables without which the program exits; godotenv looks for `.env` by default."""
    for _, captures in _cursor().matches(root):
        for node in captures.get("if", ()):
            failed = _FAILED.fullmatch(_short(node.child_by_field_name("condition")))
            for value, statement in _given(node, failed[1]) if failed and _ends(node) else ():
                load = _LOADS.fullmatch(value)
                for name in _names(load["files"]) if load and not _only_sometimes(statement) else ():
                    yield EnvFile(posixpath.normpath(name), f"{path}:{statement.start_point[0] + 1}")


def _names(files: str) -> list[str]:
    return _QUOTED.findall(files) if files.strip() else [".env"]


def _ends(node: Node) -> bool:
    """Whether the body of an `if` exits the program."""
    return _ENDS.search(_short(node.child_by_field_name("consequence"))) is not None


def _short(node: Node | None) -> str:
    """Its text; empty for a long one, so that source crafted for it cannot keep the reader busy."""
    return "" if node is None or node.end_byte - node.start_byte > _LONG else text(node)


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
    """The variable that a struct tag requires; None if it requires none, or if a configuration file may provide it too
    (cleanenv). `tags`: key → value of one field."""
    if "env-required" in tags and {"yaml", "json", "toml"} & tags.keys():
        return None
    for key in ("env", "envconfig"):
        name, *options = (word.strip() for word in tags.get(key, "").split(","))
        asked = {"required", "notEmpty"} & set(options)
        if ENV_NAME.fullmatch(name) and (asked or "true" in (tags.get("required"), tags.get("env-required"))):
            return name
    return None


def _lacking(node: Node) -> Iterator[tuple[str, Node]]:
    """What an `if` that exits the program reads from the environment and finds empty or unset: as it is written, and where."""
    condition = _short(node.child_by_field_name("condition"))
    if "&&" in condition or not _ends(node):
        return
    for found in _LACKING.finditer(condition):
        if found["argument"] is not None:
            yield found["argument"], node
            continue
        for value, statement in _given(node, found["empty"] or found["missing"]):
            if (read := _GIVEN.fullmatch(value)) is not None:
                yield read["argument"], statement


def _given(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    """The value of a variable in the `if`'s own assignment, or in those shortly before it."""
    above = node.child_by_field_name("initializer") or node.prev_named_sibling
    for _ in range(_BEFORE):
        if above is None:
            return
        left, _, value = _short(above).partition("=")
        if name in re.findall(r"[\w.]+", left):
            yield value.strip(), above
        above = above.prev_named_sibling


def _helper(argument: str, node: Node) -> Iterator[str]:
    """The function around a read whose name comes from the function's one parameter."""
    around = node.parent
    while around is not None and around.type not in _FUNCTIONS:
        around = around.parent
    if around is not None and text(around.child_by_field_name("parameters")) == f"({argument} string)":
        yield text(around.child_by_field_name("name"))
