"""Reads one Go package with tree-sitter's Go grammar: what it listens on, serves, reads and opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import asdict

from devctl.adapters.go.config_files import names_config
from devctl.adapters.go.frameworks import (
    BEEGO,
    GRPC,
    is_framework,
    is_router,
    made_by_framework,
    makes_no_server,
    run_without_address,
    talks,
    tells_address,
)
from devctl.adapters.go.required_env import env_files, required, tagged, worth_a_look
from devctl.adapters.go.values import (
    ENV_NAME,
    Values,
    beside_it,
    chain_of,
    default_given,
    first,
    in_struct,
    literal,
    text,
)
from devctl.domain.detect.address import names_our_port, parse_address, serves_here
from devctl.domain.go.facts import PLAIN_LISTENER, SOCKET, EnvFile, Located, Setting, SettingKind
from devctl.domain.regex import regex

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, QueryCursor


_FILE_URL = "file://"
_ROUTED = regex(r"(?:(?P<method>[A-Z]+)\s+)?(?P<path>/\S*)")
_QUOTED = regex(r'"([^"\n]*)"')
_FLAG = regex(r"(?:String|Int|Uint)(?:16|32|64)?(?:Var)?P?")
_TAG = regex(r'(?<![\w-])([\w-]+):"([^"]*)"')

# The patterns below are in the order of `_PackageReader.handlers`; calls are by far the most frequent nodes, so they are
# filtered here.
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
(keyed_element . (literal_element [(interpreted_string_literal) @name
  (binary_expression right: (interpreted_string_literal) @name)]) . (literal_element) @value
  (#match? @name "^.[a-zA-Z0-9_.-]{{0,99}}(addr|port|listen|bind|ADDR|PORT|LISTEN|BIND)[a-zA-Z0-9_.-]{{0,99}}.$"))
(const_spec name: (identifier) @name value: (expression_list . (_) @value))
(var_spec name: (identifier) @name value: (expression_list . (_) @value))
(short_var_declaration left: (expression_list . (identifier) @name) right: (expression_list . (_) @value))
(assignment_statement left: (expression_list . (_) @name) right: (expression_list . (_) @value))
(field_declaration name: (field_identifier) @name tag: (_) @value)
(call_expression function: (_) @name arguments: (argument_list . (interpreted_string_literal) @value)
  (#match? @value "^.(0[.]0[.]0[.]0)?:[0-9]+.$"))
"""
_ENV = ("Getenv", "LookupEnv", "GetEnv", "EnvOr", "GetEnvOr", "GetenvDefault", "Env", "MustGetenv")
_LISTEN = (
    "ListenAndServe", "Listen", "Run", "Start", "Serve", "NewServer", "MustNewServer", "Address", "WithHostPorts", "ResolveTCPAddr",
    "ListenAndServeUNIX",
)  # fmt: skip
_LISTEN_TLS = ("ListenAndServeTLS", "RunTLS", "StartTLS", "ListenTLS", "StartAutoTLS", "ServeTLS")
_ROUTE = ("HandleFunc", "Handle", "GET", "Get", "Any", "All", "Path", "HandlerFunc", "Handler")
_OPEN = (
    "Open", "OpenFile", "ReadFile", "ReadDir", "DirFS", "Dir", "ServeFile", "ParseFiles", "ParseGlob", "LoadHTMLGlob",
    "LoadHTMLFiles", "Static", "StaticFile", "StaticFS", "AddConfigPath", "SetConfigFile", "ReadInConfig", "LoadX509KeyPair",
    "File", "Provider", "DecodeFile", "ReadConfig", "New",
)  # fmt: skip
# What a program creates or writes does not ship with it: a database or a log that a run in dev left in the source belongs in
# no image.
_WRITES = regex(r"\bO_(?:WRONLY|RDWR|CREATE?|APPEND|TRUNC)\b")
_KEEPS_DATA = frozenset(
    {"badger", "bbolt", "bolt", "buntdb", "gorm", "leveldb", "pebble", "sql", "sqlite", "sqlx"}
)
_CHAINED = "Default"
_CONFIG = "SetConfigName"
_INI = "Load"  # of the package ini; godotenv has a function of that name


class Found(Struct):
    """What a package's files say, in reading order."""

    listens: list[Located] = field(default_factory=list)
    loopback: list[Located] = field(default_factory=list)
    routes: list[Located] = field(default_factory=list)
    env_reads: list[Located] = field(default_factory=list)
    env_required: list[Located] = field(default_factory=list)
    opens: list[Located] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    port_env: list[Located] = field(default_factory=list)
    configs: list[Located] = field(default_factory=list)
    env_files: list[EnvFile] = field(default_factory=list)
    tls: str | None = None

    def facts(self) -> dict[str, Any]:
        """As fields of a GoPackage."""
        return {
            name: tuple(value) if isinstance(value, list) else value for name, value in asdict(self).items()
        }


def read_package(
    files: Mapping[str, bytes],
    imports: Iterable[str],
    *,
    others: Iterable[tuple[str, bytes]] = (),
    framework: bool = False,
) -> Found:
    """`files`: path, as used in places, to source. A file with syntax errors is read as far as possible.

    `framework`: the module requires one, whatever this package imports. `others`: files that are read only if the main ones do
    not tell the listen address.
    """
    reader = _PackageReader(tuple(imports), framework)
    for path, source in files.items():
        reader.read(path, source)
    if any(not reader.called_with(nodes) for _, _, nodes in reader.listening):
        for path, source in others:
            reader.read(path, source)
    reader.resolve()
    return reader.found


class _PackageReader:
    def __init__(self, imports: tuple[str, ...], framework: bool) -> None:
        self.found = Found()
        self.values = Values()
        self.path = ""
        self.plain = False
        self.serves_listener = False
        self.framework = framework or is_framework(imports)
        self.imports = frozenset(imports)
        self.listening: list[tuple[Node, str, list[Node]]] = []
        self.handlers: tuple[Callable[[dict[str, Node]], None], ...] = (
            *(
                self._call,
                self._env,
                *([self._named_default] * 4),
                self._pair,
                self._key,
            ),
            *([self._assigned] * 4),
            self._tagged,
            self._given,
        )

    def read(self, path: str, source: bytes) -> None:
        parser, cursor = _tools()
        self.path = path
        root = parser.parse(source).root_node
        if worth_a_look(source):
            self.found.env_required += required(root, path)
            self.found.env_files += env_files(root, path)
        for pattern, captures in cursor.matches(root):
            self.handlers[pattern]({name: nodes[0] for name, nodes in captures.items()})

    def resolve(self) -> None:
        """Addresses are resolved last: the constant may be in another file."""
        listener = "grpc" if GRPC in self.imports else "" if self.serves_listener else PLAIN_LISTENER
        sockets: list[Located] = []
        of_ports: set[str] = set()
        for call, place, nodes in self.listening:
            names = dict.fromkeys(name for node in nodes for name in self.values.variables(node))
            if self.values.on_socket(call):
                self.found.listens.append(Located("", place))
                sockets += [Located(name, place, about=SOCKET) for name in names]
                continue
            of_ports |= names.keys()
            address = self.called_with(nodes)
            about = self.values.about(call, nodes, listener=listener)
            self.found.listens.append(Located(address, place, about=about))
            written = [value for node in nodes if (value := literal(node)) is not None]
            self.found.loopback += [
                Located(v, place) for v in written if (a := parse_address(v)) and a.only_inside
            ]
            self.found.port_env += [Located(name, place, about=about) for name in names if not address]
        self.found.port_env += [read for read in sockets if read.value not in of_ports]
        if self.plain:  # TLS is optional here; without certificates it serves plain HTTP
            self.found.tls = None

    def called_with(self, arguments: list[Node]) -> str:
        return next((v for node in arguments if (v := self.values.address(node))), "")

    def _place(self, node: Node) -> str:
        return f"{self.path}:{node.start_point[0] + 1}"

    def _call(self, at: dict[str, Node]) -> None:
        name, arguments = text(at["name"]), at["args"].named_children
        if name in ("Serve", "ServeTLS"):
            self.serves_listener = True
        if name in _LISTEN_TLS:
            self.found.tls = self.found.tls or self._place(at["call"])
        if name in _LISTEN or name in _LISTEN_TLS:
            self._listen(name, at["call"], arguments)
        elif name in _ENV:
            self._env(at)
        if name in _ROUTE:
            self._route(at["call"], arguments)
        if name == _CHAINED:
            self._chained(at["call"], arguments)
        if name in _OPEN or (name == _INI and text(at["call"]).startswith("ini.")):
            self._open(name, at["call"], arguments)
        if name == _CONFIG and arguments and (value := literal(arguments[0])):
            self.found.configs.append(Located(value, self._place(at["call"])))

    def _listen(self, name: str, call: Node, arguments: list[Node]) -> None:
        receiver = text(call.child_by_field_name("function")).rpartition(".")[0]
        if name in ("Run", "Start") and not self._framework_call(name, receiver, arguments):
            return
        if name == "Serve" and receiver not in ("http", "fasthttp", "fcgi"):
            self.plain = self.plain or GRPC not in self.imports
            return  # of a server, on a listener: net.Listen has told the address already
        if makes_no_server(name, receiver, self.imports):
            return
        if name == "Run" and not arguments:
            self._run(receiver, call)
            return
        self.plain = self.plain or name in ("ListenAndServe", "Run", "Start")
        self.listening.append((call, self._place(call), arguments))

    def _run(self, receiver: str, call: Node) -> None:
        address, files = run_without_address(receiver, self.values.made_by(receiver))
        self.found.opens += [Located(path, self._place(call)) for path in files]
        self.found.listens.append(Located(address, self._place(call)))
        if receiver in BEEGO:
            self._setting("httpport", "8080", "field", call)

    def _framework_call(self, name: str, receiver: str, arguments: list[Node]) -> bool:
        made = self.values.made_by(receiver)
        if not arguments:
            beegos = receiver in BEEGO and any("beego" in path for path in self.imports)
            ours = made_by_framework(made) or (self.framework and is_router(receiver, made))
            return name == "Run" and (beegos or ours)
        value = self.values.address(arguments[0])
        if not self.framework:
            return value is not None and ":" in value
        return value is not None or made_by_framework(made) or tells_address(arguments[0])

    def _given(self, at: dict[str, Node]) -> None:
        """An address that a function of the project is called with: `NewServer(":8080")`. Nobody connects to one without a
        host."""
        value = literal(at["value"])
        if value is not None and serves_here(value) and not talks(text(at["name"])):
            place = self._place(at["value"])
            self.found.settings.append(Setting(text(at["name"]), value, "field", place))

    def _chained(self, call: Node, arguments: list[Node]) -> None:
        """kingpin's `Flag("listen", "usage").Default(":8080")`."""
        for other in chain_of(call):
            function = text(other.child_by_field_name("function"))
            if function.endswith("Flag") and arguments:
                name = literal(first(other.child_by_field_name("arguments")))
                self._setting(name or "", literal(arguments[0]), "flag", call)

    def _env(self, at: dict[str, Node]) -> None:
        call, arguments = at["call"], at["args"].named_children
        name = literal(arguments[0]) if arguments else None
        if name is None or not ENV_NAME.fullmatch(name):
            return
        self.found.env_reads.append(Located(name, self._place(call)))
        self._setting(name, default_given(call, arguments), "env", call)

    def _named_default(self, at: dict[str, Node]) -> None:
        name = literal(at["name"]) or ""
        if not ENV_NAME.fullmatch(name):  # those are variables, handled by _env
            call = at["name"].parent.parent if at["name"].parent is not None else None
            function = text(call.child_by_field_name("function")) if call is not None else ""
            kind: SettingKind = "flag" if _FLAG.fullmatch(function.rpartition(".")[2]) else "key"
            self._setting(name, literal(at["value"]), kind, at["name"])

    def _pair(self, at: dict[str, Node]) -> None:
        name, value = text(at["name"]), first(at["value"])
        if value is None:
            return
        self.values.assign(name, value)
        kind = text(at["pair"].parent.parent.child_by_field_name("type")) if at["pair"].parent.parent else ""  # type: ignore[union-attr]
        if name == "Value" and kind.endswith("Flag"):  # urfave/cli: the name is beside it
            given = literal(value) or self.values.address(value)  # ":" + a constant from above
            self._setting(beside_it(at["pair"], "Name"), given, "flag", at["pair"])
        elif name == "Addr" and kind.endswith(("http.Server", "fasthttp.Server")):
            self.listening.append((at["pair"], self._place(at["pair"]), [value]))
        elif not beside_it(at["pair"], "Net").startswith("udp"):  # nothing that connects finds that address
            self._setting(name, literal(value), "field", at["pair"])

    def _key(self, at: dict[str, Node]) -> None:
        """A table of defaults by configuration key, or by the name of a variable with its other options: `"server.port":
        "8080"`, `"LISTEN_ADDR": {value: "127.0.0.1:8080"}`."""
        name, value = literal(at["name"]) or "", at["value"]
        words = (literal(first(value)), *_QUOTED.findall(text(value)))
        kind: SettingKind = "env" if ENV_NAME.fullmatch(name) else "key"
        self._setting(
            name, next((word for word in words if word and serves_here(word)), None), kind, at["name"]
        )

    def _assigned(self, at: dict[str, Node]) -> None:
        name, value = text(at["name"]), at["value"]
        self.values.assign(name, value)
        self._setting(name.rpartition(".")[2], literal(value), "field", at["name"])

    def _tagged(self, at: dict[str, Node]) -> None:
        tags = dict(_TAG.findall(text(at["value"])))
        name = next((tags[key].split(",")[0] for key in ("env", "envconfig") if tags.get(key)), "")
        default = next((tags[k] for k in ("envDefault", "default", "env-default") if k in tags), None)
        if name:
            self.found.env_reads.append(Located(name, self._place(at["value"])))
        if default is None and (needed := tagged(tags)) is not None:
            self.found.env_required.append(Located(needed, self._place(at["value"])))
        if default is not None:
            self.values.default(at["name"], default)
            own = name or in_struct(at["name"])
            self._setting(own, default, "env" if name else "field", at["value"])

    def _setting(self, name: str, value: str | None, kind: SettingKind, node: Node) -> None:
        if value is None:
            return
        if names_config(value):
            self.found.opens.append(Located(value, self._place(node)))
        if not names_our_port(name.rpartition(".")[2] if kind == "field" else name):
            return
        if not serves_here(value):
            return
        self.found.settings.append(Setting(name, value, kind, self._place(node)))

    def _route(self, call: Node, arguments: list[Node]) -> None:
        words = [value for node in arguments[:2] if (value := literal(node)) is not None]
        routed = next((found for word in words if (found := _ROUTED.fullmatch(word))), None)
        if (
            routed is None
            or routed["method"] not in (None, "GET")
            or (words[0] != routed[0] and words[0] != "GET")
        ):
            return
        prefix = self.values.prefix(call)
        self.found.routes.append(Located(f"{prefix}{routed['path']}", self._place(call)))

    def _open(self, name: str, call: Node, arguments: list[Node]) -> None:
        receiver = text(call.child_by_field_name("function")).rpartition(".")[0]
        if receiver in _KEEPS_DATA or any(_WRITES.search(text(node)) for node in arguments):
            return
        for node in arguments:
            value = literal(node)
            if value is None or parse_address(value) is not None:
                continue
            if name == "New" and not value.startswith(_FILE_URL):  # migrations: file://migrations
                continue
            value = value.removeprefix(_FILE_URL)
            if value and not value.startswith(("/", "..")) and "://" not in value:
                self.found.opens.append(Located(value, self._place(call)))


@cache
def _tools() -> tuple[Parser, QueryCursor]:
    import tree_sitter_go
    from tree_sitter import Language, Parser, Query, QueryCursor

    language = Language(tree_sitter_go.language())
    names = " ".join(
        f'"{name}"' for name in (*_ENV, *_LISTEN, *_LISTEN_TLS, *_ROUTE, *_OPEN, _CHAINED, _CONFIG, _INI)
    )
    return Parser(language), QueryCursor(Query(language, _QUERY.format(calls=names)))
