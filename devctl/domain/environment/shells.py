"""Variables in a shell's syntax: the shell reads exactly the value, whatever it contains."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from devctl.domain.project.control_characters import visible
from devctl.domain.regex import regex

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n"}
"""Those of an env file, besides the octal ones of a control character."""
_LAST_OCTAL = "\xff"


def can_be_named(name: str) -> bool:
    """Whether a shell can have a variable of this name: `spring.port` is possible only in a container."""
    return _NAME.fullmatch(name) is not None


def _sh(name: str, value: str) -> str:
    """Control characters are written as their bytes: none of them is printed raw."""
    parts = (
        _printf(text) if obeyed else "'" + text.replace("'", "'\\''") + "'" for obeyed, text in _parted(value)
    )
    return f"export {name}={''.join(parts)}"


def _printf(text: str) -> str:
    octal = "".join(f"\\{byte:03o}" for byte in text.encode(errors="surrogateescape"))
    return f"\"$(printf '{octal}')\""


def _fish(name: str, value: str) -> str:
    parts = (
        "".join(f"\\X{byte:02x}" for byte in text.encode(errors="surrogateescape"))
        if obeyed
        else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
        for obeyed, text in _parted(value)
    )
    return f"set -gx {name} {''.join(parts)}"


def _dotenv(name: str, value: str) -> str:
    """As compose reads it: nothing in single quotes is replaced, and only double quotes know escapes
    (https://github.com/compose-spec/compose-go/blob/v2.9.1/dotenv/parser.go)."""
    plain = "'" not in value and "\n" not in value and visible(value) == value
    if plain and not value.endswith("\\"):
        return f"{name}='{value}'"
    return f'{name}="{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if visible(character) == character else f"\\0{ord(character):03o}"


_LINES: Mapping[str, Callable[[str, str], str]] = {"sh": _sh, "fish": _fish, "dotenv": _dotenv}
SHELLS = (*_LINES, "json")


def can_be_written(value: str, shell: str) -> bool:
    """Whether the syntax can represent the value. An env file has no escape for control characters beyond Latin-1, such as those
    that change the writing direction."""
    return shell != "dotenv" or all(c <= _LAST_OCTAL or visible(c) == c for c in value)


def spoken(variables: Mapping[str, str], shell: str) -> str:
    if shell == "json":
        return json.dumps(dict(variables), indent=2, ensure_ascii=True)
    return "\n".join(_LINES[shell](name, value) for name, value in variables.items())


def _parted(value: str) -> Iterator[tuple[bool, str]]:
    """The value in pieces, and whether `visible` would change them; a newline does not count."""
    piece, obeyed = "", False
    for character in value:
        now = visible(character) != character
        if piece and now != obeyed:
            yield obeyed, piece
            piece = ""
        piece, obeyed = piece + character, now
    if piece or not value:
        yield obeyed, piece
