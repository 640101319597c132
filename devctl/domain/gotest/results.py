"""The result of a `go test`: packages, their tests, and compile errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

CaseStatus = Literal["passed", "failed", "skipped", "unfinished"]
"""`unfinished`: its process ended first, because of another test."""
PackageStatus = Literal["passed", "failed", "skipped"]
"""`skipped`: it has no test files."""


class CaseResult(Struct, frozen=True):
    """A test, a subtest, an example, a seed of a fuzz test. `output`: what it printed, without `go test`'s own lines."""

    name: str
    status: CaseStatus
    seconds: float = 0.0
    output: str = ""

    @property
    def races(self) -> bool:
        return "WARNING: DATA RACE" in self.output


class PackageResult(Struct, frozen=True):
    """`summary`: `go test`'s line about it (`ok shop/cart 0.1s`); `output`: what was printed outside its tests; `coverage`: in
    percent; `broken`: the package whose build failed, "" if it was tested."""

    path: str
    status: PackageStatus
    seconds: float = 0.0
    cached: bool = False
    cases: tuple[CaseResult, ...] = ()
    output: str = ""
    summary: str = ""
    coverage: float | None = None
    broken: str = ""

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        """The tests that failed, without those that failed only because of their subtests."""
        failed = [case for case in self.cases if case.status == "failed"]
        parents = {case.name.rpartition("/")[0] for case in failed}
        return tuple(case for case in failed if case.output.strip() or case.name not in parents)


class BuildErrors(Struct, frozen=True):
    """The messages of the compiler, or vet, about a package; `text` without the line that names it."""

    package: str
    text: str


class Counts(Struct, frozen=True):
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unfinished: int = 0


class GoTestResult(Struct, frozen=True):
    """`said`: lines that belong to no package: usually why `go test` did not start."""

    packages: tuple[PackageResult, ...] = ()
    builds: tuple[BuildErrors, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        return count(case for package in self.packages for case in package.cases)

    @property
    def failed(self) -> tuple[PackageResult, ...]:
        return tuple(package for package in self.packages if package.status == "failed")

    def waiting_for(self, broken: str) -> tuple[str, ...]:
        """The packages that were not tested because this one does not compile."""
        return tuple(p.path for p in self.packages if p.broken == broken and p.path != broken)


def count(cases: Iterable[CaseResult]) -> Counts:
    found = {"passed": 0, "failed": 0, "skipped": 0, "unfinished": 0}
    for case in cases:
        found[case.status] += 1
    return Counts(**found)
