"""What is looked for in the syntax of Go code: the patterns, and the words of calls that listen, route, read and open."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Parser, QueryCursor

# The patterns below in the order of `_PackageReader.handlers`; calls are by far the most frequent nodes, so they are filtered here.
_QUERY = """
(call_expression function: (selector_expression field: (field_identifier) @name) arguments: (argument_list) @args
  (#any-of? @name {calls})) @call
(call_expression function: (identifier) @name arguments: (argument_list) @args
  (#match? @name "[eE]nv")) @call
(call_expression arguments: (argument_list
  . (interpreted_string_literal) @name . [(interpreted_string_literal) (int_literal)] @value))
(call_expression arguments: (argument_list
  . (_) . (interpreted_string_literal) @name . [(interpreted_string_literal) (int_literal)] @value))
(call_expression arguments: (argument_list
  . (interpreted_string_literal) @name . (interpreted_string_literal) . [(interpreted_string_literal) (int_literal)] @value))
(call_expression arguments: (argument_list
  . (_) . (interpreted_string_literal) @name . (interpreted_string_literal)
  . [(interpreted_string_literal) (int_literal)] @value))
(keyed_element . (literal_element (identifier) @name) . (literal_element) @value) @pair
(keyed_element . (literal_element (interpreted_string_literal) @name) . (literal_element) @value
  (#match? @name "^.[A-Z0-9_]*(ADDR|PORT|LISTEN|BIND)[A-Z0-9_]*.$"))
(keyed_element . (literal_element [(interpreted_string_literal) @name
  (binary_expression right: (interpreted_string_literal) @name)]) . (literal_element) @value
  (#match? @name "^.[a-z0-9_.-]*(addr|port|listen|bind)[a-z0-9_.-]*.$"))
(const_spec name: (identifier) @name value: (expression_list . (_) @value))
(var_spec name: (identifier) @name value: (expression_list . (_) @value))
(short_var_declaration left: (expression_list . (identifier) @name) right: (expression_list . (_) @value))
(assignment_statement left: (expression_list . (_) @name) right: (expression_list . (_) @value))
(field_declaration name: (field_identifier) @name tag: (_) @value)
(call_expression function: (_) @name arguments: (argument_list . (interpreted_string_literal) @value)
  (#match? @value "^.(0[.]0[.]0[.]0)?:[0-9]+.$"))
"""
ENV = ("Getenv", "LookupEnv", "GetEnv", "EnvOr", "GetEnvOr", "GetenvDefault", "Env", "MustGetenv")
LISTEN = (
    "ListenAndServe", "Listen", "Run", "Start", "Serve", "NewServer", "MustNewServer", "Address", "WithHostPorts", "ResolveTCPAddr",
    "ListenAndServeUNIX",
)  # fmt: skip
LISTEN_TLS = ("ListenAndServeTLS", "RunTLS", "StartTLS", "ListenTLS", "StartAutoTLS", "ServeTLS")
ROUTE = ("HandleFunc", "Handle", "GET", "Get", "Any", "All", "Path", "HandlerFunc", "Handler")
OPEN = (
    "Open", "OpenFile", "ReadFile", "ReadDir", "DirFS", "Dir", "ServeFile", "ParseFiles", "ParseGlob", "LoadHTMLGlob",
    "LoadHTMLFiles", "Static", "StaticFile", "StaticFS", "AddConfigPath", "SetConfigFile", "ReadInConfig", "LoadX509KeyPair",
    "File", "Provider", "DecodeFile", "ReadConfig", "New",
)  # fmt: skip
CHAINED = "Default"
CONFIG = "SetConfigName"
INI = "Load"  # of the package ini; godotenv has one of that name


@cache
def tools() -> tuple[Parser, QueryCursor]:
    import tree_sitter_go
    from tree_sitter import Language, Parser, Query, QueryCursor

    language = Language(tree_sitter_go.language())
    names = " ".join(
        f'"{name}"' for name in (*ENV, *LISTEN, *LISTEN_TLS, *ROUTE, *OPEN, CHAINED, CONFIG, INI)
    )
    return Parser(language), QueryCursor(Query(language, _QUERY.format(calls=names)))
