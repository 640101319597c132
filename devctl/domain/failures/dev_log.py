"""What the lines of a dev container mean: the marks of our two scripts, air's own words, a panic of the app."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "build.started",
    "build.ok",
    "build.failed",
    "build.unchanged",
    "app.started",
    "app.replaced",
    "app.exited",
    "app.killed",
    "panic",
]

MOST = 1_000_000
"""Characters of what a build prints that are kept; the first errors are what counts."""
_MARK = re.compile(r"^devctl: build (?P<word>start|ok|failed|unchanged)(?: (?P<ms>\d+)ms)?\s*$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_EXITED = re.compile(
    r"(?:Process Exit with Code:?|^devctl: the program exited with code) (?P<code>-?\d{1,9})"
)
_COMPILERS = re.compile(r"\S+\.go:\d+(?::\d+)?: ")
_KILLED = "devctl: killed the program: "
# What air says of itself at every start; the program's own words matter where it ended.
_AIRS_OWN = re.compile(
    r"^(?:watching |!exclude |\[save\] |building\.\.\.$|running\.\.\.$|devctl: (?:build (?:start|ok|unchanged)|(?:re)?started))"
)


def without_airs_own(log: str) -> str:
    return "\n".join(line for line in log.split("\n") if not _AIRS_OWN.match(_ANSI.sub("", line)))


_ENDS: dict[str, Kind] = {"ok": "build.ok", "failed": "build.failed", "unchanged": "build.unchanged"}


@dataclass(frozen=True, slots=True)
class Mark:
    """`message`: the compiler's text, the first line of a panic, an exit code, or what our script says of a kill."""

    kind: Kind
    message: str = ""


@dataclass(slots=True)
class DevLog:
    """Reads a dev container's lines one by one; keeps what a build printed until its end is known."""

    _build: list[str] | None = field(default=None)
    _size: int = 0
    _late: bool = False

    def read(self, line: str) -> Mark | None:
        text = _ANSI.sub("", line).rstrip()
        marked = _MARK.match(text)
        if marked is not None:
            return self._marked(marked["word"])
        mark = self._spoken(text)
        if (
            mark is None and self._late and _COMPILERS.match(text)
        ):  # the two streams of a log may pass each other
            self._late = False
            return Mark("build.failed", text)
        if mark is None and self._build is not None and self._size < MOST:
            self._build.append(text)
            self._size += len(text)
        return mark

    def _spoken(self, text: str) -> Mark | None:
        """What devctl-run says; air's own words and the runtime's, which matter in a dev stage that is not ours too."""
        if text.startswith("failed to build"):
            return self._ended("build.failed")
        if text == "building...":
            return self._began()
        if text in ("running...", "devctl: started"):
            return Mark("app.started")
        if text == "devctl: restarted":
            return Mark("app.replaced")
        if text.startswith(_KILLED):
            return Mark("app.killed", text.removeprefix("devctl: "))
        if text.startswith(("panic: ", "fatal error: ")):
            return Mark("panic", text)
        exited = _EXITED.search(text)
        return Mark("app.exited", exited["code"]) if exited is not None else None

    def _began(self) -> Mark:
        self._build, self._size, self._late = [], 0, False
        return Mark("build.started")

    def _marked(self, word: str) -> Mark:
        if word == "start":
            return self._began()
        return self._ended(_ENDS[word])

    def _ended(self, kind: Kind) -> Mark:
        said, self._build = self._build or [], None
        self._late = kind == "build.failed" and not said
        return Mark(kind, "\n".join(said) if kind == "build.failed" else "")
