"""The files of a stand-in as one tar: fixed times and owners, so equal content gives an equal layer."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO


class LayerWriter:
    """Writes a layer. Everything belongs to root unless specified; a path is written once, and the first one wins."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._tar = tarfile.open(file, "w", format=tarfile.GNU_FORMAT)  # noqa: SIM115
        self._seen: set[str] = {"."}

    def __enter__(self) -> LayerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def digest(self) -> str:
        """Digest of the whole layer, once it is closed: the engine's name for it."""
        with self.file.open("rb") as content:
            return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"

    def folder(self, path: str, *, mode: int = 0o755, owner: int = 0) -> None:
        if self._new(path):
            self._add(path, tarfile.DIRTYPE, mode=mode, owner=owner)

    def text(self, path: str, content: str | bytes, *, mode: int = 0o644) -> None:
        data = content.encode() if isinstance(content, str) else content
        if self._new(path):
            self._add(path, tarfile.REGTYPE, mode=mode, size=len(data), source=io.BytesIO(data))

    def link(self, path: str, target: str) -> None:
        if self._new(path):
            self._add(path, tarfile.SYMTYPE, mode=0o777, target=target)

    def file_from(self, path: str, source: Path, *, mode: int | None = None) -> None:
        if self._new(path):
            status = source.stat()
            bits = status.st_mode & 0o7777 if mode is None else mode
            with source.open("rb") as content:
                self._add(path, tarfile.REGTYPE, mode=bits, size=status.st_size, source=content)

    def tree(
        self, source: Path, at: str, *, skip: Callable[[str], bool] = lambda path: False, follow: bool = False
    ) -> None:
        """Everything below `source`, sorted; `skip` gets paths relative to it. `follow` copies the targets of links."""
        self._walk(source, PurePosixPath(at.strip("/")), PurePosixPath(""), skip, follow)

    def _walk(
        self, folder: Path, at: PurePosixPath, inner: PurePosixPath, skip: Callable[[str], bool], follow: bool
    ) -> None:
        for entry in sorted(folder.iterdir()):
            relative = inner / entry.name
            if skip(relative.as_posix()):
                continue
            path = (at / relative).as_posix()
            if entry.is_symlink() and not follow:
                self.link(path, str(entry.readlink()))
            elif entry.is_dir():
                self.folder(path, mode=entry.stat().st_mode & 0o7777)
                self._walk(entry, at, relative, skip, follow)
            elif entry.is_file():
                self.file_from(path, entry)

    def _new(self, path: str) -> bool:
        clean = path.strip("/")
        if clean in self._seen:
            return False
        parent = PurePosixPath(clean).parent.as_posix()
        if parent not in self._seen:
            self.folder(parent)
        self._seen.add(clean)
        return True

    def _add(
        self,
        path: str,
        kind: bytes,
        *,
        mode: int,
        owner: int = 0,
        size: int = 0,
        target: str = "",
        source: IO[bytes] | None = None,
    ) -> None:
        entry = tarfile.TarInfo(path.strip("/"))
        entry.type, entry.mode, entry.size, entry.linkname = kind, mode, size, target
        entry.uid = entry.gid = owner
        self._tar.addfile(entry, source)
