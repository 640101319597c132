"""What compose makes its model from, read once: the compose files, `.env` and the env files that they name.

A round of the watcher lets compose see these texts and no file of the project, so what was checked is what compose reads. What
cannot be passed this way (`include`, another file's services, YAML that parsers read differently) waits for a person, whose
compose reads the files themselves.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from devctl.domain.compose.env_file import values
from devctl.domain.paths import is_below
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_inputs import OTHER_ENV_FILES, Beside, ComposeInputs, Node, strings
from devctl.errors import FilesError
from devctl.workflows.project.find import ComposeFiles, named

_KNOWN = frozenset({"name", "version", "services", "networks", "volumes", "secrets", "configs"})
"""Keys of a compose file that read no other file."""
_READ = frozenset({"path", "required", "format"})
_SEEMS = 50
"""Files of the project that others seem to name, and that are checked for changes."""
_NAME = 255


def read_inputs(
    box: Toolbox, root: Path, found: ComposeFiles | None, *, outside: Collection[str] | None = None
) -> ComposeInputs:
    """Never raises because of what the files say. `outside`: files outside the project that may be read, by their real path;
    None: all."""
    return _Reader(box, root, found or ComposeFiles(root, ()), outside).read()


def in_env_files(inputs: ComposeInputs, known: Callable[[str], str | None]) -> dict[str, str]:
    """The values in the `.env` files, if `known` tells what the environment has."""
    found: dict[str, str] = {}

    def given(name: str) -> str | None:
        value = known(name)
        return value if value is not None else found.get(name)

    for path in inputs.env_files:
        found |= values(inputs.beside.get(path) or "", own=True, known=given)
    return found


class _Reader:
    def __init__(
        self, box: Toolbox, root: Path, found: ComposeFiles, allowed: Collection[str] | None
    ) -> None:
        self._box, self._root, self._found, self._allowed = box, root, found, allowed
        self._folder = found.folder
        self._beside: dict[str, str | None] = {}
        self._outside: dict[str, str] = {}
        self._waits: list[str] = []
        self._broken: FilesError | None = None
        self._seen: dict[str, str] = {}

    def read(self) -> ComposeInputs:
        nodes = [(path, self._file(path)) for path in self._found.files[::-1]]
        for path in self._found.env_files:
            self._env_file(str(path), named(self._root, path))
        if nodes:
            other = [name for name in OTHER_ENV_FILES if self._box.host.env(name) is not None]
            self._waits += [f"the value of {name} in your environment" for name in other]
        if self._waits or self._outside:
            self._look_at_what_they_seem_to_name(nodes)
        order = [str(path) for path, _ in nodes]
        return ComposeInputs(
            folder=self._folder,
            digest=_digest(json.dumps([str(self._folder), order, sorted(self._seen.items())]).encode()),
            files=tuple(nodes),
            beside=self._beside,
            env_files=tuple(str(path) for path in self._found.env_files),
            outside=self._outside,
            waits=tuple(dict.fromkeys(self._waits)),
            looked_at=tuple(sorted(self._seen)),
            broken=self._broken,
        )

    def _file(self, path: Path) -> Node:
        name = named(self._root, path)
        text = self._text(str(path), name)
        if str(path) in self._outside:
            self._waits.append(f"the content of {name}")
        try:
            node, strange = self._box.sources.plain_yaml(text or "", path=name)
        except FilesError as error:
            self._broken = self._broken or error
            return None
        if strange:
            self._waits.append(f"the content of {name} ({strange})")
            return node
        return self._top(node)

    def _top(self, node: Node) -> Node:
        if not isinstance(node, dict):
            return node
        for key in node:
            if key == "include":
                self._waits += _brought(node[key], "include")
            elif key not in _KNOWN and not key.startswith("x-"):
                self._waits.append(f"what `{key}` brings in")
        services = node.get("services")
        if not isinstance(services, dict):
            return node
        return {**node, "services": {name: self._service(spec) for name, spec in services.items()}}

    def _service(self, spec: Node) -> Node:
        if not isinstance(spec, dict):
            return spec
        extends = spec.get("extends")
        if isinstance(extends, list) or (isinstance(extends, dict) and set(extends) - {"service"}):
            file = extends.get("file") if isinstance(extends, dict) else None
            self._waits += _brought(file, "extends")
        read: dict[str, Node] = {
            key: self._env_files(spec[key], key) for key in ("env_file", "label_file") if key in spec
        }
        return {**spec, **read}

    def _env_files(self, value: Node, key: str) -> Node:
        if isinstance(value, str):
            return self._named(value)
        if isinstance(value, list):
            return [self._entry(item, key) for item in value]
        if value is not None:
            self._waits += _brought(None, key)
        return value

    def _entry(self, item: Node, key: str) -> Node:
        if isinstance(item, str):
            return self._named(item)
        path = item.get("path") if isinstance(item, dict) else None
        if isinstance(item, dict) and isinstance(path, str) and not set(item) - _READ:
            return {**item, "path": self._named(path)}
        self._waits += _brought(None, key)
        return item

    def _named(self, name: str) -> Node:
        if "$" in name or "://" in name or name.startswith("~"):
            self._waits.append(f"the content of {name}")
            return name
        path = posixpath.normpath(posixpath.join(self._folder.as_posix(), name))
        self._env_file(path, name)
        return Beside(path)

    def _env_file(self, path: str, name: str) -> None:
        if path not in self._beside:
            self._beside[path] = self._text(path, name)

    def _text(self, path: str, name: str) -> str | None:
        """None if there is no such file, or if it must not be read."""
        files, plain = self._box.files, posixpath.normpath(path)
        real, data = files.real(plain), None
        inside = is_below(plain, str(self._root)) and is_below(real, files.real(str(self._root)))
        try:
            data = (
                files.read_bytes(Path(plain), within=self._root)
                if inside
                else files.read_bytes(Path(real), within=None)
            )
        except FilesError as error:
            self._broken = self._broken or error
        self._seen[plain] = _digest(data)
        if not inside and self._allowed is not None and real not in self._allowed:
            leads = f", a link to {real}" if is_below(plain, str(self._root)) else ""
            self._waits.append(f"the content of {name}{leads}")
            return None
        if not inside:
            self._outside[plain] = real
        try:
            return data.decode() if data is not None else None
        except UnicodeDecodeError:
            self._waits.append(f"the content of {name} (which is not UTF-8)")
            return None

    def _look_at_what_they_seem_to_name(self, nodes: list[tuple[Path, Node]]) -> None:
        """For the digest alone. What cannot be read plainly is not followed exactly: a missed change has no effect until the
        next `up`."""
        todo = [(self._folder, node) for _, node in nodes]
        for base, node in todo:
            for path in _seem_to_name(base, node):
                if str(path) in self._seen or len(self._seen) >= _SEEMS:
                    continue
                if not is_below(str(path), str(self._root)) or not self._box.files.exists(path):
                    continue
                try:
                    data = self._box.files.read_bytes(path, within=self._root)
                    self._seen[str(path)] = _digest(data)
                    if path.suffix in (".yaml", ".yml"):
                        text = (data or b"").decode(errors="replace")
                        todo.append((path.parent, self._box.sources.plain_yaml(text, path=str(path))[0]))
                except FilesError:
                    continue


def _brought(value: Node, key: str) -> Iterator[str]:
    """What a key brings in, in words."""
    paths = list(_values(value))
    yield from (f"the content of {path} (`{key}`)" for path in paths)
    if not paths:
        yield f"what `{key}` brings in"


def _values(value: Node) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif value is not None:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _values(item)


def _seem_to_name(base: Path, node: Node) -> Iterator[Path]:
    for text in strings(node):
        if 0 < len(text) <= _NAME and text.isprintable() and not isinstance(text, Beside):
            yield Path(posixpath.normpath(base / text))


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
