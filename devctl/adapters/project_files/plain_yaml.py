"""YAML that two parsers cannot read differently: read to values here, and written anew in the simplest form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devctl.adapters.project_files.yaml_positions import VALUES, TooMuch, pairs, read_document
from devctl.domain.project.compose_inputs import Bare, Node

if TYPE_CHECKING:
    from yaml import Node as Parsed

_MAP, _SEQUENCE, _TEXT = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str"))
_MERGE = "tag:yaml.org,2002:merge"


def plain(text: str, *, path: str) -> tuple[Node, str]:
    """The value, and what about it another parser may understand otherwise ("" for nothing: an ordinary file).

    Raises FilesError with the place where it is not YAML, and TooMuch.
    """
    import yaml

    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        read_document(text, path=path, code="broken-compose")  # says it with its place
        raise
    reader = _Plain(path)
    try:
        values = [reader.value(node) if node is not None else None for node in documents]
    except RecursionError:
        raise reader.too_much() from None
    if len(values) > 1:
        return list(values), "which holds more than one document"
    return (values[0] if values else None), reader.strange


class _Plain:
    def __init__(self, path: str) -> None:
        import yaml

        self.path, self.strange = path, ""
        self._left = VALUES
        self._open: set[int] = set()
        self._loader: Any = yaml.SafeLoader("")

    def value(self, node: Parsed) -> Node:
        import yaml

        self._left -= 1
        if self._left < 0 or id(node) in self._open:
            raise self.too_much()
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node)
            if isinstance(node, yaml.SequenceNode):
                self._expect(node, _SEQUENCE)
                return [self.value(item) for item in node.value]
            self._expect(node, _MAP)
            return self._mapping(node)
        finally:
            self._open.discard(id(node))

    def too_much(self) -> TooMuch:
        return TooMuch(
            f"{self.path} stands for more than {VALUES:,} values, through aliases of aliases",
            code="broken-compose",
            hint=f"simplify {self.path}",
            place=self.path,
        )

    def _mapping(self, node: Parsed) -> Node:
        import yaml

        own = [name for name, _ in node.value if name.tag != _MERGE]
        if len({str(name.value) for name in own}) < len(own):
            self._note(node, "where a key stands twice")
        if not all(isinstance(name, yaml.ScalarNode) for name in own):
            self._note(node, "where a key is not a word")
        content: dict[str, Node] = {}
        for name, item in pairs(node):
            key = self.value(name)
            text = "null" if key is None else str(key)
            if text == "<<":
                self._note(name, "where << is a word")
            content[text] = self.value(item)
        return content

    def _scalar(self, node: Parsed) -> Node:
        text, quoted = str(node.value), bool(getattr(node, "style", None))
        self._expect(node, _TEXT if quoted else self._loader.resolve(type(node), text, (True, False)))
        if quoted:
            return text
        return Bare(text) if text else None

    def _expect(self, node: Parsed, tag: str) -> None:
        if node.tag != tag:
            self._note(node, f"with the tag {node.tag}")

    def _note(self, node: Parsed, what: str) -> None:
        self.strange = self.strange or f"line {node.start_mark.line + 1}, {what}"
