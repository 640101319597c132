"""Recorded outputs: those of the dictionary's entries, and in `negative/` those that no entry may explain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from devctl.domain.failures import explain
from devctl.domain.failures.catalog import entries
from devctl.domain.failures.entry import Explained, Facts, Failure, Sample

HERE = Path(__file__).parent
_HEAD = re.compile(r"# (source|facts): (.*)")


class Recorded(Struct, frozen=True):
    """A sample with its entry; `name`: the entry's code and a number."""

    name: str
    entry: Failure
    sample: Sample

    def explained(self) -> Explained:
        """What the entry says about its own sample."""
        found = self.entry.match(self.sample.asked, self.sample.output, self.sample.facts)
        assert found is not None, self.name
        return self.entry.explanation(found, self.sample.facts)

    def said(self) -> str:
        """The line of the output by which it is recognised."""
        facts = self.sample.facts
        found = self.entry.match(self.sample.asked, self.sample.output, facts)
        if found is None or not found[0].strip():
            return f"exit code {facts.exit_code}" + (", OOM killed" if facts.oom_killed else "")
        return found[0].strip().splitlines()[-1].strip()


@cache
def recorded() -> tuple[Recorded, ...]:
    """Every sample of the dictionary, sorted by name."""
    return tuple(sorted(_recorded(), key=lambda r: r.name))


def _recorded() -> Iterator[Recorded]:
    count: dict[str, int] = {}
    for entry in entries():
        for sample in entry.samples:
            count[entry.code] = count.get(entry.code, 0) + 1
            yield Recorded(f"{entry.code}-{count[entry.code]}", entry, sample)


class Unexplained(Struct, frozen=True):
    name: str
    source: str
    facts: Facts
    output: str


@cache
def negative() -> tuple[Unexplained, ...]:
    return tuple(_read(path) for path in sorted((HERE / "negative").glob("*.txt")))


def _read(path: Path) -> Unexplained:
    lines = path.read_text(encoding="utf-8").split("\n")
    head = dict(found.groups() for line in lines[:2] if (found := _HEAD.fullmatch(line)))
    code = re.search(r"exit=(\d+)", head.get("facts", ""))
    facts = Facts(int(code[1]) if code else None, "oom" in head.get("facts", ""))
    return Unexplained(path.stem, head["source"], facts, "\n".join(lines[len(head) :]))


def told_by(name: str) -> str:
    """The hint that a recorded output gets, by its name: `base-missing-1`."""
    sample = next(r.sample for r in recorded() if r.name == name)
    code, oom = sample.facts.exit_code, sample.facts.oom_killed
    known = explain(
        sample.asked, sample.output, exit_code=code, oom_killed=oom, service="api", air=sample.facts.air
    )
    assert known is not None
    return known.hint
