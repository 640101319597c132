"""A dev container's log, taken apart: what the program printed, byte for byte, and what built and started it.

Both write to the same two streams. What is not the program's stands behind a mark that the program is not told
(templates/dev-stage/devctl-run), each line of it in one write; so it may follow a half line of the program's, and is never
inside of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

LOG_MARK = "DEVCTL_MARK"
"""The variable that gives a container its mark."""
LONGEST = 64_000_000
"""Characters of a line that is still without an end."""


def log_mark(root: str, service: str) -> str:
    """Nothing secret: something that no program prints by chance. The same at each `up`."""
    return f"devctl-{sha256(f'{root} {service}'.encode(errors='replace')).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class Said:
    """A line without its end. `program`: whether the program printed it; where there is no mark, all counts as its own."""

    stream: str
    text: str
    program: bool = True


@dataclass(slots=True)
class LogLines:
    """`mark`: "" for a container of which nothing but the program speaks, or all in one voice."""

    mark: str = ""
    _open: dict[str, str] = field(default_factory=dict)
    """What has no end yet, by stream."""
    _half: dict[str, str] = field(default_factory=dict)
    """The program's words before a line that is not its own: they go on behind it."""
    _piece: str = ""

    def read(self, stream: str, text: str) -> Iterator[Said]:
        """`text`: a line with its end, or a piece of one."""
        text = self._open.pop(stream, "") + text
        if not text.endswith("\n") and len(text) < LONGEST:
            self._open[stream] = text
            return
        yield from self._line(stream, text.removesuffix("\n"))

    def _line(self, stream: str, text: str) -> Iterator[Said]:
        own, found, rest = text.partition(self.mark) if self.mark else (text, "", "")
        if not found:
            yield Said(stream, self._half.pop(stream, "") + own)
            return
        if own:
            self._half[stream] = self._half.get(stream, "") + own
        self._piece += rest[1:].rstrip("\r")
        if not rest.startswith(">"):
            told, self._piece = self._piece, ""
            yield Said(stream, told.encode(errors="surrogateescape").decode(errors="replace"), program=False)

    def halves(self) -> Iterator[Said]:
        """The program's half lines that nothing follows any more: it ended, or another run of it begins."""
        for stream in list(self._half):
            yield Said(stream, self._half.pop(stream))

    def end(self) -> Iterator[Said]:
        """What is left when the log ends."""
        for stream in list(self._open):
            yield from self._line(stream, self._open.pop(stream))
        yield from self.halves()
