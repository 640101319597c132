"""YAML with the line of every key: for devctl.yaml, for findings in a compose file, and for writing a compose file in the
simplest form, which every parser reads the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from devctl.adapters.system import beneath, regular_file
from devctl.domain.project.compose_inputs import Bare, Node
from devctl.domain.project.compose_model import Key
from devctl.errors import FilesError

if TYPE_CHECKING:
    from yaml import Node as Parsed
TEXT_LIMIT = 1_000_000
"""Bytes: a megabyte takes seconds to parse."""
VALUES = 100_000
"""With every alias expanded. 443 bytes of repeated anchors can stand for 43 million values, which nobody writes by hand."""
_MAP, _SEQUENCE, _TEXT, _MERGE = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "merge"))


class Document(Struct, frozen=True):
    """`data`: the content; `places`: line and column (from 1) of each key and list item by its path; `strange`: what another
    parser may read differently ("": an ordinary file)."""

    path: str
    data: Node
    places: dict[Key, tuple[int, int]]
    repeated: tuple[Key, ...]
    strange: str

    def place(self, key: Sequence[str | int]) -> str:
        """`path:line:col` of the key, or of its nearest existing parent."""
        wanted = tuple(key)
        while wanted and wanted not in self.places:
            wanted = wanted[:-1]
        found = self.places.get(wanted)
        return f"{self.path}:{found[0]}:{found[1]}" if found else self.path


class TooMuch(FilesError):
    """YAML that would take more memory, or a deeper stack, than any real file."""


def read_text(path: Path, *, within: Path | None = None) -> str:
    """Raises OSError and UnicodeDecodeError. `within` is None for a file that compose reads too, wherever it is linked to."""
    if within is None:
        return regular_file.read_bytes(path, limit=TEXT_LIMIT).decode()
    return beneath.read_bytes(path, within=within, limit=TEXT_LIMIT).decode()


def read_document(text: str, *, path: str, code: str, several: bool = False) -> Document:
    """Raises FilesError with `code` and the place if the text is not YAML; TooMuch is one. `several`: a list if there is more
    than one document.

    Every value is the literal text, even `1.20`, `yes`, `0755` and `1e3`: the reader knows which are numbers.
    """
    import yaml

    reader = _Reader(path, code)
    try:
        one = () if several else (yaml.compose(text, Loader=yaml.SafeLoader),)
        nodes = one or yaml.compose_all(text, Loader=yaml.SafeLoader)
        data = [reader.value(node, ()) if node is not None else None for node in nodes]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        hint = f"fix {place}; the usual cause is a tab, a missing space after a colon or an unclosed quote"
        raise FilesError(f"{path} is not valid YAML: {said}", code=code, hint=hint, place=place) from None
    except RecursionError:
        raise reader.too_much("is nested too deeply") from None
    strange = "it contains more than one document" if len(data) > 1 else reader.strange
    whole = data if len(data) > 1 else data[0] if data else None
    return Document(path, whole, reader.places, tuple(reader.repeated), strange)


def positions(path: Path) -> Callable[[Key], int | None]:
    """The lines of a YAML file by key path; empty if it cannot be read."""
    try:
        places = read_document(read_text(path), path=path.name, code="broken").places
    except (OSError, UnicodeDecodeError, FilesError):
        places = {}

    def line(key: Key) -> int | None:
        found = places.get(key)
        return found[0] if found else None

    return line


def texts(path: Path) -> list[tuple[str, int]]:
    """Every text value, with the line of its key or list item."""
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
    def __init__(self, path: str, code: str) -> None:
        import yaml

        self._path, self._code = path, code
        self.places: dict[Key, tuple[int, int]] = {}
        self.repeated: list[Key] = []
        self.strange = ""
        self._left = VALUES
        self._open: set[int] = set()
        self._loader: Any = yaml.SafeLoader("")

    def value(self, node: Parsed, key: Key) -> Node:
        import yaml

        self._left -= 1
        if self._left < 0 or id(node) in self._open:  # an anchor that contains itself
            raise self.too_much(f"expands to more than {VALUES:,} values through nested aliases")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, key)
            return self._mapping(node, key)
        finally:
            self._open.discard(id(node))

    def too_much(self, what: str) -> TooMuch:
        path = self._path
        return TooMuch(f"{path} {what}", code=self._code, hint=f"simplify {path}", place=path)

    def _sequence(self, node: Parsed, key: Key) -> Node:
        self._expect(node, _SEQUENCE)
        items: list[Node] = []
        for index, item in enumerate(node.value):
            self._mark((*key, index), item)
            value = self.value(item, (*key, index))
            if isinstance(value, str) and "=" in value:  # `- NAME=value` can also be found by name
                self._mark((*key, value.partition("=")[0].strip()), item)
            items.append(value)
        return items

    def _mapping(self, node: Parsed, key: Key) -> Node:
        import yaml

        self._expect(node, _MAP)
        content: dict[str, Node] = {}
        for name_node, item in pairs(node):
            if not isinstance(name_node, yaml.ScalarNode):
                self._note(node, "has a key that is not a string")
                continue
            name = self._scalar(name_node)
            text = "null" if name is None else str(name)
            if text == "<<":
                self._note(name_node, "has << as a string")
            if text in content:
                self._note(node, "has a duplicate key")
                self.repeated.append((*key, text))
            self._mark((*key, text), name_node)
            content[text] = self.value(item, (*key, text))
        return content

    def _scalar(self, node: Parsed) -> str | None:
        text, quoted = str(node.value), bool(getattr(node, "style", None))  # a block has a style too
        self._expect(node, _TEXT if quoted else self._loader.resolve(type(node), text, (True, False)))
        if any("\ud800" <= char <= "\udfff" for char in text):
            # JSON writes characters beyond U+FFFF as two escapes, and PyYAML keeps them as two halves.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if quoted:
            return text
        return Bare(text) if text else None

    def _expect(self, node: Parsed, tag: str) -> None:
        if node.tag != tag:
            self._note(node, f"has the tag {node.tag}")

    def _note(self, node: Parsed, what: str) -> None:
        self.strange = self.strange or f"line {node.start_mark.line + 1} {what}"

    def _mark(self, key: Key, node: Parsed) -> None:
        self.places[key] = (node.start_mark.line + 1, node.start_mark.column + 1)


def pairs(node: Parsed) -> Iterator[tuple[Parsed, Parsed]]:
    """The pairs of a mapping; those merged in by `<<` come first, so that its own ones win."""
    import yaml

    merged = [item for name, item in node.value if name.tag == _MERGE]
    own = [(name, item) for name, item in node.value if name.tag != _MERGE]
    taken = {str(name.value) for name, _ in own}
    for source in merged:
        for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            for name, item in pairs(mapping) if isinstance(mapping, yaml.MappingNode) else ():
                if str(name.value) not in taken:
                    taken.add(str(name.value))
                    yield name, item
    yield from own
