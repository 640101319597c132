"""YAML with the line of every key: for devctl.yaml, and for findings in a compose file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devctl.adapters.system import beneath, regular_file
from devctl.errors import FilesError

if TYPE_CHECKING:
    from yaml import Node

Key = tuple[str | int, ...]
TEXT_LIMIT = 1_000_000
"""Bytes: a megabyte takes seconds to parse."""
VALUES = 100_000
"""With every alias expanded. 443 bytes of anchors that repeat each other stand for 43 million, and nobody writes that."""
_NULLS = frozenset({"~", "null", "Null", "NULL"})


class Nothing(str):
    """What stands behind `KEY:`, which is empty text where text is meant, and nothing anywhere else."""

    __slots__ = ()


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


class TooMuch(FilesError):
    """YAML that would take more memory, or a deeper stack, than any real file."""


class _Endless(Exception):
    """More values than a file may stand for."""


def read_text(path: Path, *, within: Path | None = None) -> str:
    """Raises OSError and UnicodeDecodeError. None for `within`: a file that compose reads too, wherever it is linked to."""
    if within is None:
        return regular_file.read_bytes(path, limit=TEXT_LIMIT).decode()
    return beneath.read_bytes(path, within=within, limit=TEXT_LIMIT).decode()


def read_document(text: str, *, path: str, code: str) -> Document:
    """Raises FilesError with `code` and the place where the text is no YAML.

    Every value is the text that stands there, `1.20`, `yes`, `0755` and `1e3` too: who reads it knows what is a number.
    """
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        hint = f"fix {place}; a tab, a missing space behind a colon or an unclosed quote is the usual cause"
        raise FilesError(f"{path} is not valid YAML: {said}", code=code, hint=hint, place=place) from None
    except RecursionError:
        raise _too_much(path, code, "is nested too deeply") from None
    reader = _Reader()
    try:
        data = reader.value(node, ()) if node is not None else None
    except RecursionError:
        raise _too_much(path, code, "is nested too deeply") from None
    except _Endless:
        raise _too_much(
            path, code, f"stands for more than {VALUES:,} values, through aliases of aliases"
        ) from None
    return Document(path, data, reader.places, tuple(reader.repeated))


def _too_much(path: str, code: str, what: str) -> TooMuch:
    return TooMuch(f"{path} {what}", code=code, hint=f"simplify {path}", place=path)


def positions(path: Path) -> Callable[[Key], int | None]:
    """The lines of a YAML file by key path; none at all where it cannot be read."""
    try:
        places = read_document(read_text(path), path=path.name, code="broken").places
    except (OSError, UnicodeDecodeError, FilesError):
        places = {}

    def line(key: Key) -> int | None:
        found = places.get(key)
        return found[0] if found else None

    return line


def texts(path: Path) -> list[tuple[str, int]]:
    """Every value that is text, with the line of its key or list item."""
    try:
        document = read_document(read_text(path), path=path.name, code="broken")
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


class _Reader:
    def __init__(self) -> None:
        self.places: dict[Key, tuple[int, int]] = {}
        self.repeated: list[Key] = []
        self.open: list[int] = []
        self.values = 0

    def value(self, node: Node, key: Key) -> object:
        import yaml

        self.values += 1
        if self.values > VALUES:
            raise _Endless
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
        for name_node, item in pairs(node):
            name = str(name_node.value)
            if name in content:
                self.repeated.append((*key, name))
            self._mark((*key, name), name_node)
            content[name] = self._nested(item, (*key, name))
        return content

    def _mark(self, key: Key, node: Node) -> None:
        self.places[key] = (node.start_mark.line + 1, node.start_mark.column + 1)


def pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """The pairs of a mapping, with those merged in by `<<` first, so that its own ones win."""
    import yaml

    merged = [item for name, item in node.value if name.tag == "tag:yaml.org,2002:merge"]
    own = [(name, item) for name, item in node.value if name.tag != "tag:yaml.org,2002:merge"]
    taken = {str(name.value) for name, _ in own}
    for source in merged:
        for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            for name, item in pairs(mapping) if isinstance(mapping, yaml.MappingNode) else ():
                if str(name.value) not in taken:
                    taken.add(str(name.value))
                    yield name, item
    yield from own


def _scalar(node: Node) -> str | None:
    value = str(node.value)
    if any("\ud800" <= char <= "\udfff" for char in value):
        # JSON writes what is beyond U+FFFF as two escapes, and PyYAML leaves it at two halves.
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if getattr(node, "style", None):  # quoted, or a block
        return value
    if value in _NULLS:
        return None
    return value or Nothing()
