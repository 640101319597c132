"""YAML with the line of every key: for devctl.yaml, and for findings in a compose file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.errors import FilesError

if TYPE_CHECKING:
    from yaml import Node

Key = tuple[str | int, ...]
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Document:
    """`data`: the content; `places`: line and column (from 1) of each key and list item by its path."""

    path: str
    data: object
    places: dict[Key, tuple[int, int]]
    repeated: tuple[Key, ...] = ()

    def place(self, key: Sequence[str | int]) -> str:
        """`path:line:col` of the key, or of the nearest one above it that exists."""
        wanted = tuple(key)
        while wanted and wanted not in self.places:
            wanted = wanted[:-1]
        found = self.places.get(wanted)
        return f"{self.path}:{found[0]}:{found[1]}" if found else self.path


def read_document(text: str, *, path: str, code: str) -> Document:
    """Raises FilesError with `code` and the place where the text is no YAML.

    Only plain integers become numbers: `go: 1.20` stays the text it is, and so does `DEBUG: yes`.
    """
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        hint = f"mend {place}; a tab, a missing space behind a colon or an unclosed quote is the usual cause"
        raise FilesError(f"{path} is no valid YAML: {said}", code=code, hint=hint, place=place) from None
    reader = _Reader()
    data = reader.value(node, ()) if node is not None else None
    return Document(path, data, reader.places, tuple(reader.repeated))


def positions(path: Path) -> Callable[[Key], int | None]:
    """The lines of a YAML file by key path; none at all where it cannot be read."""
    try:
        places = read_document(path.read_text(encoding="utf-8"), path=path.name, code="broken").places
    except (OSError, UnicodeDecodeError, FilesError):
        places = {}

    def line(key: Key) -> int | None:
        found = places.get(key)
        return found[0] if found else None

    return line


def texts(path: Path) -> list[tuple[str, int]]:
    """Every value that is text, with the line of its key or list item."""
    try:
        document = read_document(path.read_text(encoding="utf-8"), path=path.name, code="broken")
    except (OSError, UnicodeDecodeError, FilesError):
        return []
    return list(_texts(document.data, (), document.places))


def _texts(value: object, key: Key, places: dict[Key, tuple[int, int]]) -> Iterator[tuple[str, int]]:
    if isinstance(value, str):
        yield value, places.get(key, (1, 1))[0]
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*key, name), places)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*key, index), places)


def line_of(text: str, key: Sequence[str | int]) -> int | None:
    """The line of a key path in a YAML text, counted from 1; None where it is not there or is no YAML."""
    try:
        places = read_document(text, path="", code="broken").places
    except FilesError:
        return None
    found = places.get(tuple(key))
    return found[0] if found else None


class _Reader:
    def __init__(self) -> None:
        self.places: dict[Key, tuple[int, int]] = {}
        self.repeated: list[Key] = []
        self.open: list[int] = []

    def value(self, node: Node, key: Key) -> object:
        import yaml

        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self._mark((*key, index), item)
                if (
                    isinstance(item, yaml.ScalarNode) and "=" in item.value
                ):  # `- NAME=value` is also found by name
                    self._mark((*key, str(item.value).partition("=")[0].strip()), item)
                items.append(self._nested(item, (*key, index)))
            return items
        return _scalar(node)

    def _nested(self, node: Node, key: Key) -> object:
        if id(node) in self.open:  # an anchor inside of itself
            return None
        self.open.append(id(node))
        value = self.value(node, key)
        self.open.pop()
        return value

    def _mapping(self, node: Node, key: Key) -> dict[str, object]:
        content: dict[str, object] = {}
        for name_node, item in _pairs(node):
            name = str(name_node.value)
            if name in content:
                self.repeated.append((*key, name))
            self._mark((*key, name), name_node)
            content[name] = self._nested(item, (*key, name))
        return content

    def _mark(self, key: Key, node: Node) -> None:
        self.places[key] = (node.start_mark.line + 1, node.start_mark.column + 1)


def _pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """The pairs of a mapping, with those merged in by `<<` first, so that its own ones win."""
    import yaml

    merged = [item for name, item in node.value if name.tag == "tag:yaml.org,2002:merge"]
    own = [(name, item) for name, item in node.value if name.tag != "tag:yaml.org,2002:merge"]
    taken = {str(name.value) for name, _ in own}
    for source in merged:
        for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            for name, item in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
                if str(name.value) not in taken:
                    taken.add(str(name.value))
                    yield name, item
    yield from own


def _scalar(node: Node) -> str | int | None:
    value = str(node.value)
    if getattr(node, "style", None):  # quoted, or a block
        return value
    if value in _NULLS:
        return None
    return int(value) if _INTEGER.fullmatch(value) else value
