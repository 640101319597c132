"""Places in the output of tests, as paths in the project: an editor opens `internal/web/web_test.go:14`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from msgspec import Struct

from devctl.domain.paths import is_below
from devctl.domain.regex import regex

_PLACE = regex(r"(?<![^\s(\[\"'`=])(?P<file>[^\s:()\[\]\"'`=]+\.go):(?P<line>\d+)(?P<column>:\d+)?")


class SourcePlaces(Struct, frozen=True):
    """`mounted_at`: the project's folder in the container; `folder`: of go.mod, in the project; `modules`: path and folder of
    each module of the project; `exists`: whether a path, relative to the project, is one of its files."""

    mounted_at: str
    folder: str
    modules: tuple[tuple[str, str], ...]
    exists: Callable[[str], bool]

    def folder_of(self, package: str) -> str:
        """The folder of a package in the project; its import path if it is not the project's."""
        found = self._in_module(package.removesuffix("_test"))
        return package if found is None else found

    def opened(self, text: str, *, package: str = "") -> str:
        """The text with places in the project's files made relative to the project. `package`: whose tests printed it."""
        folder = self.folder_of(package) if package else self.folder
        return _PLACE.sub(lambda found: self._opened(found, folder), text)

    def first(self, text: str) -> str | None:
        """The first place in a text that was `opened`."""
        for found in _PLACE.finditer(text):
            if self.exists(found["file"]):
                return found[0]
        return None

    def _opened(self, found: re.Match[str], folder: str) -> str:
        path = self._path(found["file"], folder)
        return found[0] if path is None else f"{path}:{found['line']}{found['column'] or ''}"

    def _path(self, file: str, folder: str) -> str | None:
        if file.startswith(f"{self.mounted_at}/"):
            return self._there(file.removeprefix(f"{self.mounted_at}/"))
        if file.startswith("/"):
            return None
        in_module = self._in_module(file)  # with -trimpath
        beside = (posixpath.join(at, file) for at in dict.fromkeys((folder, self.folder, ".")))
        for path in (*((in_module,) if in_module is not None else ()), *beside):
            if (found := self._there(path)) is not None:
                return found
        return None

    def _there(self, path: str) -> str | None:
        path = posixpath.normpath(path)
        return path if not path.startswith("../") and self.exists(path) else None

    def _in_module(self, path: str) -> str | None:
        fitting = [(m, at) for m, at in self.modules if m and is_below(path, m)]
        if not fitting:
            return None
        module, at = max(fitting, key=lambda each: len(each[0]))
        return posixpath.normpath(posixpath.join(at, path[len(module) + 1 :] or "."))
