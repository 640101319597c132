"""Recorded outputs: what was asked, where it was recorded, what was observed beside, and the text itself.

`samples/CODE-N.txt` holds an output, `samples/CODE-N.want` all that the user is told about it. `negative/` holds outputs
that no entry may explain. `python -m tests.failures.matrix --write` writes the `.want` files and the fault matrix anew;
read the difference before you keep it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devctl.domain.failures import FAILURES, Asked, Explained, Facts, Failure
from devctl.ui.human import problem_text

HERE = Path(__file__).parent
_HEAD = re.compile(r"# (asked|source|facts): (.*)")


@dataclass(frozen=True)
class Sample:
    name: str
    asked: Asked
    source: str
    facts: Facts
    output: str
    path: Path

    @property
    def code(self) -> str:
        return re.sub(r"-\d+$", "", self.name)

    def entry(self) -> Failure | None:
        """The first entry that explains it."""
        return next((e for e in FAILURES if e.explains(self.asked, self.output, self.facts)), None)

    def explained(self) -> Explained | None:
        entry = self.entry()
        return entry.explains(self.asked, self.output, self.facts) if entry is not None else None

    def said(self) -> str:
        """The line of the output by which it is recognised."""
        entry = self.entry()
        found = re.search(entry.pattern, self.output, entry.FLAGS) if entry is not None else None
        if found is None or not found[0].strip():
            return f"exit code {self.facts.exit_code}" + (", OOM killed" if self.facts.oom_killed else "")
        return found[0].strip().splitlines()[-1].strip()

    def told(self) -> str:
        """Everything that the user is told, with the exit code and the code of the error in front."""
        known = self.explained()
        assert known is not None, self.name
        return f"exit {int(known.exit)} {known.code}\n{problem_text(known)}\n"


def _read(path: Path) -> Sample:
    lines = path.read_text(encoding="utf-8").split("\n")
    head = dict(found.groups() for line in lines[:3] if (found := _HEAD.fullmatch(line)))
    code = re.search(r"exit=(\d+)", head.get("facts", ""))
    facts = Facts(int(code[1]) if code else None, "oom" in head.get("facts", ""))
    asked: Asked = head["asked"]  # type: ignore[assignment]
    return Sample(path.stem, asked, head["source"], facts, "\n".join(lines[len(head) :]), path)


@cache
def recorded(folder: str) -> tuple[Sample, ...]:
    return tuple(_read(path) for path in sorted((HERE / folder).glob("*.txt")))
