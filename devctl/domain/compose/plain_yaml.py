"""YAML that every parser reads the same way, from values that were read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from devctl.domain.compose.model_json import quoted_name
from devctl.domain.project.compose_inputs import Bare, Beside, Node
from devctl.domain.regex import regex

_SAFE_BARE = regex(r"[A-Za-z0-9_.+~][A-Za-z0-9_.+~-]*|-[0-9.][A-Za-z0-9_.+-]*")
"""Bare words that mean the same everywhere; anything with other characters is quoted as text."""


def yaml_text(node: Node, copy: Callable[[Beside], str]) -> str:
    """The simplest kind of YAML. `copy`: the path of the file to read instead of another."""
    match node:
        case None:
            return "null"
        case Beside():
            return quoted_name(copy(node))
        case Bare() if _SAFE_BARE.fullmatch(node):
            return str(node)
        case str():
            return quoted_name(node)
        case list():
            return f"[{_rows(yaml_text(item, copy) for item in node)}]"
    return f"{{{_rows(f'{quoted_name(name)}: {yaml_text(item, copy)}' for name, item in node.items())}}}"


def _rows(items: Iterator[str]) -> str:
    return ",\n ".join(items)
