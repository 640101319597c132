"""The budget of `size`: what is over it, and what grew since the last build that was within it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devctl.domain.gobinary import Package
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.size import SizeReport, SizeRow
from devctl.domain.size_growth import Grown, Weighed, grown, growth_text, modules, remember, remembered

FILE = "budget.json"
"""In `.devctl/`: the last images that were within a budget. Without it, it is only not known what grew."""
Read = Callable[[SizeRow], tuple[Package, ...]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`why`: the end of the sentence "over the budget"; "" within it."""

    grown: tuple[Grown, ...] = ()
    why: str = ""


def judge(box: Toolbox, project: Project, report: SizeReport, *, packages: Read) -> Judged:
    """A build within its budget is kept; one that is over it is compared with the last that was kept."""
    if report.budget_bytes is None:
        return Judged()
    path = box.files.state_dir(Path(project.root)) / FILE
    last = remembered(box.files.read_text(path))
    if not report.over:
        now = {row.service: _weigh(row, packages(row)) for row in report.judged}
        box.files.write_atomic(path, remember({**last, **now}), owner=project.owner)
        return Judged()
    worst = report.worst
    before, found = last.get(worst.service), packages(worst)
    if before is None:
        third = next((p for p in found if p.module not in ("std", "")), None)
        return Judged(why=f"; most code of a module: {third.module}" if third is not None else "")
    weighed = _weigh(worst, found)
    why = f"; since the last build within its budget: {growth_text(before, weighed)}"
    return Judged(grown(before, weighed), why)


def _weigh(row: SizeRow, packages: tuple[Package, ...]) -> Weighed:
    return Weighed(row.base, row.size_bytes, row.base_bytes, modules(packages))
