"""What the lines of a dev container mean: our build script's marks, air's own words, a panic of the app."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["build.started", "build.ok", "build.failed", "app.started", "app.exited", "panic"]

_MARK = re.compile(r"^devctl: build (?P<word>start|ok|failed)(?: (?P<ms>\d+)ms)?\s*$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_EXITED = re.compile(r"Process Exit with Code:? (?P<code>-?\d+)")
# What air says of itself at every start; the program's own words matter where it ended.
_AIRS_OWN = re.compile(
    r"^(?:watching |!exclude |\[save\] |building\.\.\.$|running\.\.\.$|devctl: build (?:start|ok))"
)


def without_airs_own(log: str) -> str:
    return "\n".join(line for line in log.split("\n") if not _AIRS_OWN.match(_ANSI.sub("", line)))


@dataclass(frozen=True, slots=True)
class Mark:
    """`message`: the compiler's text, or the first line of a panic."""

    kind: Kind
    message: str = ""


@dataclass(slots=True)
class DevLog:
    """Reads a dev container's lines one by one; keeps what a build printed until its end is known."""

    _build: list[str] | None = field(default=None)

    def read(self, line: str) -> Mark | None:
        text = _ANSI.sub("", line).rstrip()
        marked = _MARK.match(text)
        if marked is not None:
            return self._marked(marked["word"])
        mark = self._spoken(text)
        if mark is None and self._build is not None:
            self._build.append(text)
        return mark

    def _spoken(self, text: str) -> Mark | None:
        """air's own words, and the runtime's: they matter in a dev stage that is not ours too."""
        if text.startswith("failed to build"):
            return self._ended("build.failed")
        if text == "building...":
            self._build = []
            return Mark("build.started")
        if text == "running...":
            return Mark("app.started")
        if text.startswith(("panic: ", "fatal error: ")):
            return Mark("panic", text)
        exited = _EXITED.search(text)
        return Mark("app.exited", exited["code"]) if exited is not None else None

    def _marked(self, word: str) -> Mark:
        if word == "start":
            self._build = []
            return Mark("build.started")
        return self._ended("build.ok" if word == "ok" else "build.failed")

    def _ended(self, kind: Kind) -> Mark:
        said, self._build = self._build or [], None
        return Mark(kind, "\n".join(said) if kind == "build.failed" else "")
