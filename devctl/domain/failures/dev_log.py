"""What the lines of a dev container mean: the marks of devctl's two scripts, air's own messages, a panic of the app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from devctl.domain.failures.searchable import searchable
from devctl.domain.project.log_lines import LogLines, Said
from devctl.domain.regex import regex

Kind = Literal[
    "container.started", "build.started", "build.ok", "build.failed", "build.unchanged", "helper.building", "helper.built",
    "app.started", "app.replaced", "app.exited", "app.killed", "air.ended", "command.failed", "noted", "panic",
]  # fmt: skip

MOST = 1_000_000
"""Characters kept of a build's output; the first errors are what counts."""
# Eleven digits of seconds reach the year 5138: a larger number, which a program may forge, is not a time.
_MARK = regex(
    r"^devctl: build (?P<word>start|ok|failed|unchanged)(?: (?P<ms>\d{1,9})ms)?"
    r"(?: (?P<at>\d{1,11}))?(?P<serves> serves)?(?P<shown> shown)?\s*$"
)
_STARTED = regex(r"^ devctl: (?:re)?started\s*$")
_ENDED = regex(r"^ devctl: (?:the program exited with code |the container started)")
_HELPER = regex(r"devctl: (?:builds \S+ first|(?P<built>built) \S+)$")
_ANSI = regex(r"\x1b\[[0-9;]*m")
_EXITED = regex(r"(?:Process Exit with Code:?|^devctl: the program exited with code) (?P<code>-?\d{1,9})")
_AIR_ENDED = regex(r"^devctl: air exited with code (?P<code>\d{1,3})$")
_COMPILERS = regex(r"\S+\.go:\d+(?::\d+)?: ")
_KILLED = "devctl: killed the program: "
_NOTED = ("devctl: the program writes a watched file", "devctl: built as ")
_COMMAND_FAILED = "devctl: post_cmd failed: "
# What air prints at every start; when it has ended, the program's own lines matter.
_AIRS_OWN = regex(
    r"^(?:watching |!exclude |\[save\] |building\.\.\.$|running\.\.\.$|"
    r"devctl: (?:build (?:start|ok|unchanged)|(?:re|the container )?started|builds \S+ first$|built \S+$))"
)


def without_airs_own(log: str, mark: str = "") -> str:
    """The lines to search for a cause. `mark`: as for LogLines."""
    lines = LogLines(mark)
    said = [each for line in log.split("\n") for each in lines.read("", f"{line}\n")]
    texts = (each.text for each in [*said, *lines.end()])
    return searchable("\n".join(text for text in texts if not _AIRS_OWN.match(_ANSI.sub("", text))))


def of_last_run(log: str, mark: str) -> str:
    """The log from the last start of the program that devctl-run reports, or all of it if there is none: what an earlier build
    printed in the same container does not explain this one. The engine copies the program's stdout and the stderr with the
    report separately, so its first lines may come first: where no program ran before, they are its own."""
    if not mark:
        return log
    lines = log.split("\n")
    marked = [line.partition(mark)[2] for line in lines]
    started = [n for n, text in enumerate(marked) if _STARTED.search(text)]
    if not started:
        return log
    last = started[-1]
    if marked[last].startswith(" devctl: restarted"):
        return "\n".join(lines[last:])
    before = next((n for n in range(last - 1, -1, -1) if _ENDED.search(marked[n])), -1)
    early = [lines[n] for n in range(before + 1, last) if not marked[n]]
    return "\n".join([*early, *lines[last:]])


_ANEW = ("container.started", "app.started", "app.replaced", "app.exited")
"""Nothing from before the program started counts."""
_ENDS: dict[str, Kind] = {"ok": "build.ok", "failed": "build.failed", "unchanged": "build.unchanged"}


class Mark(Struct, frozen=True):
    """`message`: the compiler's text, the first line of a panic, an exit code, what devctl's script says about a kill, or the
    output of a failed command. `ms`: duration of the build; `at`: when it ended, in seconds, 0 if unknown. `serves`: whether
    the program keeps running meanwhile."""

    kind: Kind
    message: str = ""
    ms: int = 0
    at: int = 0
    serves: bool = True


class DevLog(Struct):
    """Reads a dev container's lines one by one; keeps a build's output until its result is known. `mark`: as for LogLines."""

    mark: str = ""
    _build: list[str] | None = field(default=None)
    _size: int = 0
    _late: bool = False
    _beside: list[str] = field(default_factory=list)
    """What was printed outside a build, by air or by a command that it ran at its end."""
    apart: bool = False
    """Whether the program's lines can be distinguished from the others: not with scripts older than the mark."""
    _lines: LogLines = field(default_factory=LogLines)

    def __post_init__(self) -> None:
        self._lines = LogLines(self.mark)

    def hear(self, stream: str, text: str) -> Iterator[Said | Mark]:
        """`text`: a line with its end, or a piece of one. Yields each line, and after it what it means."""
        for said in self._lines.read(stream, text):
            mark = self.read(said.text, program=said.program)
            if mark is not None and mark.kind in _ANEW:
                yield from self._lines.halves()
            yield said
            if mark is not None:
                yield mark

    def end(self) -> Iterator[Said]:
        return self._lines.end()

    def read(self, line: str, *, program: bool = True) -> Mark | None:
        self.apart = self.apart or not program
        text = _ANSI.sub("", line.encode(errors="surrogateescape").decode(errors="replace")).rstrip()
        if program and self.apart:
            return _panic(text)
        marked = _MARK.match(text)
        if marked is not None:
            return self._marked(marked)
        mark = self._spoken(text)
        # The two streams of a log may overtake each other.
        if mark is None and self._late and _COMPILERS.match(text):
            self._late = False
            return Mark("build.failed", text)
        if mark is None:
            self._keep(text)
        return mark

    def _keep(self, text: str) -> None:
        kept = self._beside if self._build is None else self._build
        if self._size < MOST and (self._build is not None or self.apart):
            kept.append(text.removeprefix("devctl: "))
            self._size += len(text) + 1

    def _spoken(self, text: str) -> Mark | None:
        """What devctl-run says; air's and the runtime's own messages, which also matter in a dev stage that is not devctl's."""
        if text.startswith("failed to build"):
            return self._ended("build.failed")
        if text == "building...":
            return self._began()
        if text == "devctl: the container started":
            self._build, self._beside, self._size = None, [], 0
            return Mark("container.started")
        if text in ("running...", "devctl: started"):
            return Mark("app.started")
        if helper := _HELPER.match(text):  # another program of the image, started before the service's own
            return Mark("helper.built" if helper["built"] else "helper.building")
        if text == "devctl: restarted":
            return Mark("app.replaced")
        if text.startswith(_KILLED):
            return Mark("app.killed", text.removeprefix("devctl: "))
        if text.startswith(_NOTED):
            return Mark("noted", text.removeprefix("devctl: "))
        if text.startswith(_COMMAND_FAILED):
            return Mark("command.failed", "\n".join([*self._beside, text.removeprefix("devctl: ")]))
        ended = _AIR_ENDED.match(text)
        if ended is not None:
            return Mark("air.ended", "\n".join([*self._beside, text.removeprefix("devctl: ")]))
        exited = _EXITED.search(text)
        return Mark("app.exited", exited["code"]) if exited is not None else _panic(text)

    def _began(self) -> Mark:
        self._build, self._beside, self._size, self._late = [], [], 0, False
        return Mark("build.started")

    def _marked(self, marked: re.Match[str]) -> Mark:
        if marked["word"] == "start":
            return self._began()
        ms, at = int(marked["ms"] or 0), int(marked["at"] or 0)
        serves = at == 0 or marked["serves"] is not None
        return self._ended(
            _ENDS[marked["word"]], ms=ms, at=at, serves=serves, shown=marked["shown"] is not None
        )

    def _ended(
        self, kind: Kind, *, ms: int = 0, at: int = 0, serves: bool = True, shown: bool = False
    ) -> Mark:
        said, self._build = self._build or [], None
        if kind == "build.failed":
            said = said or self._beside  # the log may be read from the middle of a build on
        self._beside, self._size = [], 0
        self._late = kind == "build.failed" and not said and not self.apart
        return Mark(kind, "\n".join(said) if kind == "build.failed" or shown else "", ms, at, serves)


def _panic(text: str) -> Mark | None:
    return Mark("panic", text) if text.startswith(("panic: ", "fatal error: ")) else None
