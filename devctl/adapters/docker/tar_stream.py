"""A tar that the engine sends, read as it arrives."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, cast


@contextmanager
def tar_of(chunks: Iterable[bytes]) -> Iterator[tarfile.TarFile]:
    """A tar read as it arrives."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Chunks(chunks)), mode="r|") as archive:
            yield archive
    finally:
        drain(chunks)


def drain(chunks: Iterable[bytes]) -> None:
    """Read to the end: only then does the SDK return the connection, and nothing stays open."""
    for _ in chunks:
        pass


class _Chunks:
    """An iterator of bytes as a file that can be read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (chunk := next(self._chunks, None)) is not None:
            self._left += chunk
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken
