"""`.env` and `.env.example`: which variables an example requires, and which lines a project's own file lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from msgspec import Struct

from devctl.domain.compose.variables import substituted
from devctl.domain.numbers import LONGEST
from devctl.domain.regex import regex

# https://github.com/compose-spec/compose-go/blob/v2.9.1/dotenv/parser.go, isSpace and unicode.IsSpace; Python's \s takes more.
_BLANKS = "\t\v\f\r \x85\xa0"
_SPACES = f"{_BLANKS}\n\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
# Possessive, so that a long line that is no variable costs no backtracking.
_STATEMENT = regex(
    rf"""
    (?P<above>(?:[{_SPACES}]++|\#[^\n]*+)*+)
    (?:
        (?:export(?=[\t\n\f\r ])[{_BLANKS}]*+)?+
        (?P<name>[\w.\[\]{_BLANKS}-]*+)
        (?:
            (?=\n)
            |[=:][{_BLANKS}]*+
            (?:(?P<quoted>"(?:[^"\\]++|\\.)*+"|'(?:[^'\\]++|\\.)*+')|(?P<plain>(?:[^\n ]++|[ ](?!\#))*+))
            (?P<beside>[{_BLANKS}]*+\#[^\n]*+)?+
        )
        |(?P<refused>[^\n]++)
    )""",
    re.DOTALL | re.VERBOSE,
)
_BEFORE_A_QUOTE = regex(r"(\\\\)|\\(?=')")
# expandEscapes there; any other escape is kept.
_ESCAPE = regex(r'\\(?:0([0-9]{0,3})|([abfnrtv"$\\]))')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$"}
_OCTAL = regex(r"[0-3][0-7]{2}")
_NAME = regex(r"[A-Za-z_][\w.-]*")
_ENDS_OF_EXAMPLES = (
    ".example", ".sample", ".dist", ".template", "-example", "_example", "-sample", ".local", ".dev", ".development", ".default",
)  # fmt: skip
_SECRET = regex(r"(?i)(token|secret|passw|pwd|passphrase|key|credential|private|dsn|cookie)")


class Variable(Struct, frozen=True):
    """One variable of an example. `default` is the literal text, quotes included; empty: a person must provide it."""

    name: str
    default: str
    optional: bool = False

    @property
    def secret(self) -> bool:
        return _SECRET.search(self.name) is not None

    @property
    def asked(self) -> bool:
        return not self.default and not self.optional


def examples(name: str) -> tuple[str, ...]:
    """Possible names of a file to copy it from: `.env.example`, `env.example`, `example.env` for `.env`."""
    own = [f"{name}{end}" for end in _ENDS_OF_EXAMPLES]
    plain = name.removeprefix(".")
    visible = [f"{plain}{end}" for end in _ENDS_OF_EXAMPLES[:5]] if plain != name else []
    before = [f"{word}{name if name != plain else f'.{plain}'}" for word in ("example", "sample")]
    return (*own, *visible, *before)


def variables(text: str) -> tuple[Variable, ...]:
    """The variables of an example, in order. A comment above or after one that says "optional" allows it to stay empty, and a
    comment instead of a value leaves that open, although for compose `A= # say it` has one."""
    found: dict[str, Variable] = {}
    for said in _statements(f"{text}\n"):
        if _NAME.fullmatch(said.name) is not None:
            value, told = said.written or "", f"{_comment(said.above)} {said.beside}"
            if value.startswith("#"):
                value, told = "", f"{told} {value}"
            value = "" if value in ("''", '""') else value
            found.setdefault(said.name, Variable(said.name, value, "optional" in told.lower()))
    return tuple(found.values())


def _comment(above: str) -> str:
    """The lines of a comment right above a variable."""
    return " ".join(takewhile(lambda line: line.lstrip().startswith("#"), above.split("\n")[-2:0:-1]))


def names(text: str) -> frozenset[str]:
    """The variables that compose finds set in an env file."""
    return frozenset(said.name for said in _statements(text) if said.written is not None)


class _Statement(Struct, frozen=True):
    """`written`: the value with its quotes, those of `quote`; None for a name alone, which is set to what the environment has.
    `above`: the text between it and the one before it, `beside`: the comment after it."""

    name: str
    written: str | None
    quote: str
    above: str
    beside: str


def _statements(text: str) -> Iterator[_Statement]:
    """As compose finds them. For one that it cannot read it refuses the whole file; here only that line is passed over, and a
    quote that is never closed belongs to a value that ends with its line."""
    text, end = "\n" + text.removeprefix("\ufeff"), 0
    while (found := _STATEMENT.match(text, end)) is not None:
        end = found.end()
        above, name, quoted, plain, beside, refused = found.groups()
        name = (name or "").rstrip(_SPACES)
        if refused is None and " " not in name:
            written = quoted if plain is None else plain.rstrip(_SPACES)
            yield _Statement(name, written, (quoted or "")[:1], above, beside or "")


def values(
    text: str, *, own: bool = False, known: Callable[[str], str | None] = lambda _: None
) -> dict[str, str]:
    """What an env file sets, unquoted, with variables filled in, those of `known` before its own; compose's own settings
    (included with `own`) are not for a container. A value whose expansion would grow beyond all use stays as written."""
    found = {
        name: value for name, value, _ in _filled_in(text, known) if name
    }  # compose reads a line `=x` too
    return {name: value for name, value in found.items() if own or not name.startswith("COMPOSE_")}


def endless(text: str, *, known: Callable[[str], str | None] = lambda _: None) -> bool:
    """Whether its values expand into each other until memory runs out: `A1=$A0$A0`, `A2=$A1$A1` and so on."""
    return not all(whole for _, _, whole in _filled_in(text, known))


def _filled_in(text: str, known: Callable[[str], str | None]) -> Iterator[tuple[str, str, bool]]:
    """Each name with its value, and whether all variables in it are filled in."""
    found: dict[str, str] = {}
    more = LONGEST

    def value_of(name: str) -> str | None:
        said = known(name)
        return said if said is not None else found.get(name)

    for said in _statements(text):
        if said.written is not None:
            meant = _meant(said.written, said.quote, value_of, more)
            found[said.name] = value = said.written if meant is None else meant
            more -= max(0, len(value) - len(said.written))
            yield said.name, value, meant is not None
        elif (inherited := value_of(said.name)) is not None:
            found[said.name] = inherited
            yield said.name, inherited, True


def _meant(value: str, quote: str, known: Callable[[str], str | None], more: int) -> str | None:
    """https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax"""
    if quote == "'":
        return _BEFORE_A_QUOTE.sub(r"\1", value[1:-1])
    plain = _ESCAPE.sub(_unescaped, value[1:-1]) if quote else value
    return substituted(plain, known, more=more)


def _unescaped(found: re.Match[str]) -> str:
    octal, letter = found.groups()
    if octal is None:
        return _ESCAPES.get(letter, letter)
    return chr(int(octal, 8)) if _OCTAL.fullmatch(octal) is not None else f"\\{octal}"


def missing(example: str, own: str, *, known: Iterable[str] = ()) -> tuple[Variable, ...]:
    """What the example has and neither the project's file nor the environment (`known`) sets."""
    there = names(own) | set(known)
    return tuple(v for v in variables(example) if v.name not in there)


def lines(wanted: Sequence[Variable], said: Mapping[str, str]) -> str:
    """The lines to add: defaults as written in the example, answers quoted if compose would read them differently."""
    return "".join(f"{v.name}={v.default or _quoted(said.get(v.name, ''))}\n" for v in wanted)


def _quoted(value: str) -> str:
    if not re.search(r"[\s#'\"$\\]", value):
        return value
    if "'" not in value and not value.endswith("\\"):
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'
