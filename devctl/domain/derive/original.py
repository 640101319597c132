"""The exact words of a Dockerfile: what is derived repeats them instead of rewriting them."""

from __future__ import annotations

import re

from msgspec import Struct

from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import named_stage
from devctl.domain.regex import regex

_CHECK = regex(r"^#\s*check\s*=.*\n?", re.IGNORECASE | re.MULTILINE)
_ESCAPE = regex(r"^#\s*escape\s*=\s*(\S)", re.IGNORECASE)
_DIRECTIVE = regex(r"^#\s*\w+\s*=")
_BY_NUMBER = regex(r"(\bfrom=)(\d+)\b")


class Original(Struct, frozen=True):
    facts: DockerfileFacts
    lines: tuple[str, ...]

    @property
    def before_stages(self) -> str:
        """Directives and the arguments of FROM lines; what the builder checks is for the user's file."""
        return _CHECK.sub("", self._text(1, self.facts.stages[0].line - 1)).rstrip("\n")

    @property
    def escape(self) -> str:
        """What continues a line, and takes the meaning from a character."""
        for line in self.lines:
            if not _DIRECTIVE.match(line):
                break
            if (found := _ESCAPE.match(line)) is not None:
                return found[1]
        return "\\"

    def stage(self, stage: Stage) -> str:
        """Whole, with a name."""
        last = self._last(stage)
        first = min((i.line for i in stage.instructions), default=last + 1)
        return "\n".join(part for part in (self.from_line(stage), self._text(first, last)) if part)

    def from_line(self, stage: Stage) -> str:
        first = min((i.line for i in stage.instructions), default=self._last(stage) + 1)
        line = self._text(stage.line, first - 1)
        return line if stage.name else f"{line} AS {named_stage(stage)}"

    def instruction(self, stage: Stage, instruction: Instruction) -> str:
        later = [i.line for i in stage.instructions if i.line > instruction.line]
        return self._text(instruction.line, min(later, default=self._last(stage) + 1) - 1)

    def _last(self, stage: Stage) -> int:
        later = [s.line for s in self.facts.stages if s.index > stage.index]
        return min(later, default=len(self.lines) + 1) - 1

    def _text(self, first: int, last: int) -> str:
        """Without trailing comments and empty lines, which belong to what comes next. A stage is referred to by name, since
        the copy may have others before it."""
        found = list(self.lines[first - 1 : last])
        while found and (not found[-1].strip() or (first > 1 and found[-1].lstrip().startswith("#"))):
            found.pop()
        return _BY_NUMBER.sub(self._by_name, "\n".join(found))

    def _by_name(self, found: re.Match[str]) -> str:
        index = int(found[2])
        return (
            f"{found[1]}{named_stage(self.facts.stages[index])}"
            if index < len(self.facts.stages)
            else found[0]
        )
