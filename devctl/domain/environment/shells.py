"""Variables in a shell's syntax: the shell reads exactly the value, whatever it contains."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from devctl.domain.project.control_characters import visible
from devctl.domain.regex import regex

_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")


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
    """As compose reads it: nothing is substituted in single quotes, and only there `$` is not a variable."""
    if "'" not in value and "\n" not in value and not value.endswith("\\"):
        return f"{name}='{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'{name}="{escaped}"'


_LINES: Mapping[str, Callable[[str, str], str]] = {"sh": _sh, "fish": _fish, "dotenv": _dotenv}
SHELLS = (*_LINES, "json")


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
