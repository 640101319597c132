"""Values of Go expressions as far as the text shows them: literals, constants, `":" + port`, Sprintf, defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from devctl.domain.detect.address import is_brokers, names_our_port, parse_address, serves_here
from devctl.domain.regex import regex

if TYPE_CHECKING:
    from tree_sitter import Node

_DEPTH = 6
_LONG = 120  # of an expression that names a server; an inline handler says nothing
_MANY = 8  # values of one expression; more are noise
_LOOKS = 50_000  # visited nodes, for all queries about one package: an expression can be crafted to branch without end
_TELLING = frozenset(
    """interpreted_string_literal raw_string_literal int_literal identifier selector_expression unary_expression
    parenthesized_expression binary_expression call_expression""".split()
)
_DEFAULT = regex(r"^\d+$|default", re.IGNORECASE)
_READS_ENV = regex(r"[eE]nv|\.Get(?:String|Int)$")
ENV_NAME = regex(r"[A-Z][A-Z0-9_]*")
_VERB = regex(r"%[+#]?[sdvq]")
_GROUPS = frozenset({"Group", "Route", "PathPrefix"})


def text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode(errors="replace")


def _field(name: str) -> str:
    """`opts.Web.Port` as the key of that field, whatever the variable's name: `.Web.Port`."""
    return name[name.index(".") :] if "." in name else name


def _function(node: Node) -> Node | None:
    """The enclosing function or method of a node."""
    found: Node | None = node
    while found is not None and found.type not in ("function_declaration", "method_declaration"):
        found = found.parent
    return found


def first(node: Node | None) -> Node | None:
    """The first named child, or None."""
    return node.named_children[0] if node is not None and node.named_children else None


def literal(node: Node | None) -> str | None:
    """The value of a string or integer literal."""
    if node is None:
        return None
    if node.type in ("interpreted_string_literal", "raw_string_literal"):
        return text(node)[1:-1]
    return text(node) if node.type == "int_literal" else None


def given_to(node: Node) -> str:
    """The variable or field that a value is assigned to, however it is wrapped: `admin` of `admin := &http.Server{Addr: …}`."""
    around = node.parent
    while around is not None and around.type not in ("block", "statement_list", "func_literal"):
        if around.type in ("short_var_declaration", "assignment_statement"):
            return text(around.child_by_field_name("left"))
        around = around.parent
    return ""


def chain_of(call: Node) -> Iterator[Node]:
    """The calls that a call is chained to, from last to first: `Flag(…).Default(…)` of `Flag(…).Default(…).Int()`."""
    found = _operand(call)
    while found is not None and found.type == "call_expression":
        yield found
        found = _operand(found)


def _operand(call: Node) -> Node | None:
    """The receiver of a method call."""
    function = call.child_by_field_name("function")
    return function.child_by_field_name("operand") if function is not None else None


class Values(Struct):
    """Assignments in one package by name; those in the same function or to the same field (`opts.Web.Port`) come first.

    No scopes beyond that, since a guess that is an address is good enough.
    """

    assigned: dict[str, list[Node]] = field(default_factory=dict)
    defaults: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _left: int = _LOOKS
    _known: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    """Results for the nodes of one query, by how far they were followed: many expressions name the same variable."""

    def assign(self, name: str, value: Node) -> None:
        """`name`: as written on the left, `port` or `opts.Web.Port`."""
        if value.type not in _TELLING:
            return
        for key in dict.fromkeys((name.rpartition(".")[2], _field(name))):
            known = self.assigned.setdefault(key, [])
            # A default is included, however many others there are.
            if len(known) < _MANY or (len(known) < 8 * _MANY and _DEFAULT.search(text(value))):
                known.append(value)

    def made_by(self, name: str) -> str:
        """The function whose result a variable holds: `gin.Default`."""
        calls = (node for node in self.assigned.get(name, ()) if node.type == "call_expression")
        return next((text(node.child_by_field_name("function")) for node in calls), "")

    def default(self, name: Node, value: str) -> None:
        """For a field, stored with the name of the struct around it: `Server` of `Server struct { Port int }`."""
        self.defaults.setdefault(text(name), []).append((_owner(name), value))

    def _default(self, used: Node) -> list[str]:
        """`c.Server.Port` is the field of a struct whose name resembles Server, if there is one: ServerConfig too."""
        *before, name = text(used).split(".")
        known = self.defaults.get(name, [])
        word = before[-1].lower() if before else ""
        return [value for owner, value in known if word and word in owner.lower()] or [v for _, v in known]

    def variables(self, node: Node) -> Iterator[str]:
        """Names of environment variables in an expression: `":" + os.Getenv("API_PORT")`."""
        return self._variables(node, _DEPTH, set())

    def _variables(self, node: Node, depth: int, seen: set[tuple[int, int]]) -> Iterator[str]:
        if (node.id, depth) in seen or not self._left:
            return
        seen.add((node.id, depth))
        self._left -= 1
        name, nodes = "", node.named_children
        if node.type == "call_expression" and depth < _DEPTH and self.on_socket(node):
            return  # followed from `http.Serve(listener, nil)`
        if node.type == "call_expression":
            given = literal(first(node.child_by_field_name("arguments"))) or ""
            name = given if names_our_port(given) or _READS_ENV.search(text(node.children[0])) else ""
        elif node.type in ("identifier", "selector_expression"):
            nodes = self._nearest(node, self.assigned.get(text(node).rpartition(".")[2], []))
        if ENV_NAME.fullmatch(name):
            yield name
        elif depth > 0:
            for inner in nodes:
                yield from self._variables(inner, depth - 1, seen)

    def address(self, node: Node) -> str | None:
        """The first address that the expression may stand for; one that programs mostly connect to (4222) if there is no
        other."""
        self._known.clear()
        found = [v for v in self._possible(node, _DEPTH) if parse_address(v) is not None]
        return next((v for v in found if serves_here(v)), None) or next(
            (v for v in found if is_brokers(v)), None
        )

    def on_socket(self, call: Node) -> bool:
        """Whether it listens on a file and nothing else: `net.Listen("unix", path)`, `lc.Listen(ctx, network, path)`."""
        name = text(call.child_by_field_name("function")).rpartition(".")[2]
        given = call.child_by_field_name("arguments")
        words = given.named_children if given is not None else []
        if name != "Listen" or len(words) < 2:
            return name == "ListenAndServeUNIX"
        self._known.clear()
        found = self._possible(words[-2], _DEPTH)  # the network is the last but one
        return bool(found) and all(value in ("unix", "unixpacket") for value in found)

    def about(self, called: Node, arguments: list[Node], *, listener: str) -> str:
        """The names around an address: `debugListener *debugAddr debug.addr` for a flag of that name.

        `listener`: what the package does with its plain listeners.
        """
        nodes = [node for node in arguments if self.address(node) is not None] or arguments[:1]
        words = [given_to(called), *(text(node)[:_LONG] for node in nodes)]
        for node in nodes:
            used = node.named_children[-1] if node.type == "unary_expression" else node
            made = self._nearest(used, self.assigned.get(text(used).rpartition(".")[2], []))
            words += [literal(first(call.child_by_field_name("arguments"))) or "" for call in made[:1]]
        return " ".join([listener, *words] if listener and text(called).startswith("net.Listen") else words)

    def _possible(self, node: Node, depth: int) -> list[str]:
        """The values that the text allows; wrong ones among them do no harm."""
        if (value := literal(node)) is not None:
            return [value]
        if (node.id, depth) not in self._known:
            if depth == 0 or not self._left:
                return []
            self._left -= 1
            self._known[node.id, depth] = self._followed(node, depth)
        return self._known[node.id, depth]

    def _followed(self, node: Node, depth: int) -> list[str]:
        if node.type in ("identifier", "field_identifier", "selector_expression"):
            return self._named(node, depth - 1)
        if node.type in ("unary_expression", "parenthesized_expression") and node.named_children:
            return self._possible(node.named_children[-1], depth - 1)
        if node.type == "binary_expression":
            return self._joined(node, depth - 1)
        return self._called(node, depth - 1) if node.type == "call_expression" else []

    def _joined(self, node: Node, depth: int) -> list[str]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        rights = self._possible(right, depth) if right is not None else []
        # An unknown host does not matter: the port is what counts.
        lefts = (self._possible(left, depth) if left is not None else []) or [""]
        return [a + b for a in lefts for b in rights][:_MANY]

    def _named(self, used: Node, depth: int) -> list[str]:
        name = text(used).rpartition(".")[2]
        found = self._default(used)
        for node in self._nearest(used, self.assigned.get(name, [])):
            found += self._possible(node, depth)
        return list(dict.fromkeys(found))[:_MANY]

    def _nearest(self, used: Node, all_of_name: list[Node]) -> list[Node]:
        """For a field: what is assigned to the same path. For a variable: what is assigned in its function."""
        name = text(used)
        if "." in name:
            return self.assigned.get(_field(name)) or all_of_name
        around = _function(used)
        return [
            node for node in all_of_name if around is not None and _function(node) == around
        ] or all_of_name

    def _called(self, node: Node, depth: int) -> list[str]:
        arguments = node.child_by_field_name("arguments")
        children = arguments.named_children if arguments is not None else []
        function = text(node.child_by_field_name("function"))
        values = [self._possible(child, depth) for child in children]
        if not children:  # kingpin.Flag("listen", "usage").Default(":8080").String()
            return [v for c in chain_of(node) for v in self._called(c, depth) if "Default(" in function]
        if function.endswith("Sprintf") and children:
            return self._printed(values)
        if function.endswith("JoinHostPort") and len(values) == 2:
            return [f":{port}" for port in values[1]]
        # getenv("PORT", "8080"), flag.String("addr", ":8080", "usage"), cmp.Or(…, "8080"), strconv.Itoa(port)
        return [v for options in values[::-1] for v in options if parse_address(v) is not None]

    def _printed(self, values: list[list[str]]) -> list[str]:
        """Sprintf with the known values filled in, starting at the last verb: the port comes last."""
        if not values[0] or not values[-1]:
            return []
        known = [options[0] if options else "" for options in values[1:-1]]
        results = (filled_in(values[0][0], [*known, last]) for last in values[-1])
        return [text for text in results if text is not None]

    def prefix(self, call: Node) -> str:
        """The path before a route: from an enclosing `r.Route("/api", func…)` and from the group it is called on."""
        above, around = "", call.parent
        while around is not None:
            above = _own_prefix(around) + above
            around = around.parent
        return above + self._of_group(_operand(call), _DEPTH)

    def _of_group(self, group: Node | None, depth: int) -> str:
        if group is None or depth == 0:
            return ""
        if group.type == "identifier":
            made = self.assigned.get(text(group), ())
            group = next((n for n in made if any(map(_own_prefix, (n, *chain_of(n))))), None)
        if group is None:
            return ""
        return self._of_group(_operand(group), depth - 1) + _own_prefix(group)


def filled_in(form: str, words: Sequence[str]) -> str | None:
    """The result of Sprintf with these values; None if there are more or fewer than verbs."""
    parts = _VERB.split(form)
    if len(parts) != len(words) + 1:
        return None
    return parts[0] + "".join(word + rest for word, rest in zip(words, parts[1:], strict=True))


def _own_prefix(node: Node) -> str:
    """The prefix that a call itself sets: `PathPrefix("/api")`; "" for anything else."""
    function = node.child_by_field_name("function")
    name = text(function.child_by_field_name("field")) if function is not None else ""
    value = literal(first(node.child_by_field_name("arguments"))) if name in _GROUPS else None
    return value.rstrip("/") if value is not None and value.startswith("/") else ""


def default_given(call: Node, arguments: list[Node]) -> str | None:
    """`getEnv("PORT", "8080")`; for `cmp.Or(os.Getenv("PORT"), "8080")` the next argument of the enclosing call."""
    own = literal(arguments[1]) if len(arguments) > 1 else None
    if own is not None or call.parent is None or call.parent.type != "argument_list":
        return own
    return literal(call.next_named_sibling)


def in_struct(field_name: Node) -> str:
    """`SMTP.Addr`: the name of the struct tells whose address it is."""
    return f"{_owner(field_name)}.{text(field_name)}"


def _owner(field_name: Node) -> str:
    """The name of the struct around a field: its type, or the field that it is assigned to."""
    around = field_name.parent.parent if field_name.parent is not None else None
    while around is not None and around.type not in ("type_spec", "field_declaration"):
        around = around.parent
    return text(around.child_by_field_name("name")) if around is not None else ""


def beside_it(pair: Node, key: str) -> str:
    """The literal of another key in the same composite literal."""
    for other in pair.parent.named_children if pair.parent is not None else ():
        words = other.named_children
        if len(words) == 2 and text(words[0]) == key:
            return literal(first(words[1])) or ""
    return ""
