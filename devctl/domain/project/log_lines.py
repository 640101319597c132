"""A dev container's log, taken apart: what the program printed, byte for byte, and the output of what built and started it.

Both write to the same two streams. What is not the program's is prefixed with a mark that the program does not know
(templates/dev-stage/devctl-run), each line in a single write; so it may follow a half line of the program's, and is never
inside one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct, field

LOG_MARK = "DEVCTL_MARK"
"""The variable that gives a container its mark."""
LONGEST = 64_000_000
"""Characters of a line without a line end; what comes after counts as the next one."""


def log_mark(root: str, service: str) -> str:
    """Not secret: just something that no program prints by chance. The same at each `up`."""
    return f"devctl-{sha256(f'{root} {service}'.encode(errors='replace')).hexdigest()[:10]}"


class Said(Struct, frozen=True):
    """A line without its end. `program`: whether the program printed it; without a mark, everything counts as its own."""

    stream: str
    text: str
    program: bool = True


class _Unended(Struct):
    """A line that arrives in pieces, joined once."""

    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, piece: str) -> bool:
        """Whether it may continue."""
        if piece:
            self.pieces.append(piece)
            self.size += len(piece)
        return self.size < LONGEST

    def taken(self) -> str:
        text = "".join(self.pieces)
        self.pieces, self.size = [], 0
        return text


class LogLines(Struct):
    """`mark`: "" for a container in which only the program prints, or everything looks the same."""

    mark: str = ""
    _open: defaultdict[str, _Unended] = field(default_factory=lambda: defaultdict(_Unended))
    """What has no line end yet, by stream."""
    _half: defaultdict[str, _Unended] = field(default_factory=lambda: defaultdict(_Unended))
    """The program's text before a line that is not its own, after which it continues."""
    _told: _Unended = field(default_factory=_Unended)
    """What is not the program's, and continues in the next marked line."""

    def read(self, stream: str, text: str) -> Iterator[Said]:
        """`text`: a line with its end, or a piece of one."""
        if self._open[stream].add(text) and not text.endswith("\n"):
            return
        yield from self._line(stream, self._open[stream].taken().removesuffix("\n"))

    def _line(self, stream: str, text: str) -> Iterator[Said]:
        own, found, rest = text.partition(self.mark) if self.mark else (text, "", "")
        if not found:
            yield Said(stream, self._half[stream].taken() + own)
            return
        if not self._half[stream].add(own):
            yield Said(stream, self._half[stream].taken())
        if not self._told.add(rest[1:].rstrip("\r")) or not rest.startswith(">"):
            told = self._told.taken().encode(errors="surrogateescape").decode(errors="replace")
            yield Said(stream, told, program=False)

    def halves(self) -> Iterator[Said]:
        """The program's half lines that nothing follows any more: it ended, or its next run begins."""
        for stream, half in list(self._half.items()):
            if text := half.taken():
                yield Said(stream, text)

    def end(self) -> Iterator[Said]:
        """What is left at the end of the log."""
        for stream, text in [(stream, it.taken()) for stream, it in self._open.items()]:
            yield from self._line(stream, text) if text else ()
        yield from self.halves()
