"""`.env` and `.env.example`: which variables an example requires, and which lines a project's own file lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from devctl.domain.compose.variables import substituted
from devctl.domain.numbers import LONGEST
from devctl.domain.regex import regex

_LINE = regex(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=(.*))?$")
_QUOTED = regex(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
# https://github.com/compose-spec/compose-go/blob/v2.9.1/dotenv/parser.go (expandEscapes); any other escape is kept.
_ESCAPE = regex(r'\\(?:0(\d{0,3})|([abfnrtv"$\\]))')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$$"}
_OCTAL = regex(r"[0-3][0-7]{2}")
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
    """The variables of an env file, in order. A comment above or after one that says "optional" allows it to stay empty."""
    found: dict[str, Variable] = {}
    for variable, _ in _lines(text):
        found.setdefault(variable.name, variable)
    return tuple(found.values())


def _lines(text: str) -> Iterator[tuple[Variable, bool]]:
    """Each line's variable, and whether the line gives it a value, which may be empty."""
    comment = ""
    for line in text.split("\n"):  # nothing else ends a line for compose
        if line.lstrip().startswith("#"):
            comment += line
            continue
        match = _LINE.match(line)
        if match is not None:
            value, said = _value((match[2] or "").strip())
            yield Variable(match[1], value, "optional" in f"{comment} {said}".lower()), match[2] is not None
        comment = ""


def values(
    text: str, *, own: bool = False, known: Callable[[str], str | None] = lambda _: None
) -> dict[str, str]:
    """What an env file sets, unquoted, with variables filled in, those of `known` before its own; compose's own settings
    (included with `own`) are not for a container. A value whose expansion would grow beyond all use stays as written."""
    found = {name: value for name, value, _ in _filled_in(text, known)}
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

    for variable, assigned in _lines(text):
        if assigned:
            meant = _meant(variable.default, value_of, more)
            found[variable.name] = value = variable.default if meant is None else meant
            more -= max(0, len(value) - len(variable.default))
            yield variable.name, value, meant is not None


def _meant(value: str, known: Callable[[str], str | None], more: int) -> str | None:
    """https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax"""
    quoted = _QUOTED.fullmatch(value) is not None
    if quoted and value[0] == "'":
        return value[1:-1]
    plain = _ESCAPE.sub(_unescaped, value[1:-1]) if quoted else value
    return substituted(plain, known, more=more)


def _unescaped(found: re.Match[str]) -> str:
    octal, letter = found.groups()
    if octal is None:
        return _ESCAPES.get(letter, letter)
    return chr(int(octal, 8)) if _OCTAL.fullmatch(octal) is not None else f"\\{octal}"


def _value(text: str) -> tuple[str, str]:
    """A value and the comment after it. `KEY=""` counts as empty: that is how an example leaves a value open."""
    if text[:1] in ("'", '"'):
        quoted = _QUOTED.match(text)
        value, rest = (quoted[0], text[quoted.end() :]) if quoted is not None else (text, "")
        return ("" if value in ("''", '""') else value), rest
    if text.startswith("#"):
        return "", text
    value, hash_, rest = text.partition(" #")
    return value.rstrip(), hash_ + rest


def missing(example: str, own: str, *, known: Iterable[str] = ()) -> tuple[Variable, ...]:
    """What the example has and neither the project's file nor the environment (`known`) sets."""
    there = {v.name for v in variables(own)} | set(known)
    return tuple(v for v in variables(example) if v.name not in there)


def lines(wanted: Sequence[Variable], said: Mapping[str, str]) -> str:
    """The lines to add: defaults as written in the example, answers quoted if compose would read them differently."""
    return "".join(f"{v.name}={v.default or _quoted(said.get(v.name, ''))}\n" for v in wanted)


def _quoted(value: str) -> str:
    if not re.search(r"[\s#'\"$\\]", value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'
