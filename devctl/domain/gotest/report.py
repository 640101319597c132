"""The result of a `go test` for JSON and for people."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from devctl.domain.gotest.places import SourcePlaces
from devctl.domain.gotest.results import CaseResult, Counts, GoTestResult, PackageResult, count

MOST_LINES = 200
"""Lines of one failure's output that people see."""


class FailedTest(Struct, frozen=True):
    """One thing to fix. `test`: "" if a package failed by itself; `output` with its places as paths in the project; `waiting`:
    folders that were not tested because of a compile error."""

    kind: str
    package: str
    folder: str
    test: str = ""
    place: str | None = None
    seconds: float = 0.0
    output: str = ""
    waiting: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "package": self.package,
            "test": self.test or None,
            "place": self.place,
            "ms": _ms(self.seconds),
            "output": self.output,
        }

    @property
    def title(self) -> str:
        match self.kind:
            case "build":
                return f"{self.folder} {'cannot be built' if self.place is None else 'does not compile'}:"
            case "start":
                return "go test failed:"
            case "race":
                return f"{self.folder} {self.test}: data race"
            case _:
                return f"{self.folder} {self.test}".rstrip() + f" failed, {self.seconds:.2f} s"

    @property
    def lines(self) -> tuple[str, ...]:
        told = self.output.splitlines()
        left = len(told) - MOST_LINES
        told = [
            *told[:MOST_LINES],
            *([f"… {left} more lines: devctl -v test shows them"] if left > 0 else []),
        ]
        if self.waiting:
            told.append(f"not tested because of this error: {', '.join(self.waiting)}")
        return tuple(told)


class Report(Struct, frozen=True):
    """The report of a run in JSON, as in docs/reference/json-output.md."""

    packages: tuple[dict[str, object], ...]
    failed: tuple[dict[str, object], ...]
    counts: dict[str, int]
    coverage: float | None
    ms: int

    def as_json(self, code: int) -> dict[str, object]:
        return {
            "command_exit_code": code,
            "packages": [*self.packages],
            "failed": [*self.failed],
            "counts": self.counts,
            "coverage": self.coverage,
            "ms": self.ms,
        }


def failures_of(package: PackageResult, places: SourcePlaces) -> Iterator[FailedTest]:
    """What there is to fix in a package; nothing if another one, or its own build, is to blame."""
    if package.status != "failed" or package.broken:
        return
    folder = places.folder_of(package.path)
    failed = package.failures
    for case in failed:
        output = _unindented(places.opened(case.output, package=package.path))
        yield FailedTest(
            "race" if case.races else "panic" if _panicked(case) else "test",
            package.path, folder, case.name, places.first(output), case.seconds, output,
        )  # fmt: skip
    if not failed:
        output = places.opened(package.output, package=package.path)
        yield FailedTest(
            "package", package.path, folder, "", places.first(output), package.seconds, output or package.summary
        )  # fmt: skip


def build_failures(result: GoTestResult, places: SourcePlaces) -> Iterator[FailedTest]:
    """Compile errors, once each, whoever imports the package; and why `go test` itself did not start."""
    broken = {package.broken for package in result.failed}
    for build in result.builds:
        waiting = result.waiting_for(build.package)
        if build.package not in broken:
            continue  # what a compiler prints besides
        output = places.opened(build.text)
        folders = tuple(places.folder_of(path) for path in waiting)
        folder = places.folder_of(build.package)
        yield FailedTest("build", build.package, folder, "", places.first(output), 0.0, output, folders)
    told = {build.package for build in result.builds}
    for package in result.failed:
        if package.broken and package.broken not in told and package.broken == package.path:
            folder = places.folder_of(package.path)
            yield FailedTest("build", package.path, folder, output=package.output or package.summary)


def start_failure(result: GoTestResult, places: SourcePlaces) -> FailedTest | None:
    """Why nothing was tested."""
    if not result.said or result.failed:
        return None
    output = places.opened("\n".join(result.said))
    return FailedTest("start", "", places.folder, place=places.first(output), output=output)


def package_json(package: PackageResult, places: SourcePlaces) -> dict[str, object]:
    counts = count(package.cases)
    return {
        "package": package.path,
        "folder": places.folder_of(package.path),
        "status": package.status,
        "cached": package.cached,
        "ms": _ms(package.seconds),
        **counts_json(counts),
        "coverage": package.coverage,
    }


def plain_lines(package: PackageResult) -> Iterator[str]:
    """What `go test` prints about a package without JSON: everything for a failed one, else one line."""
    for case in package.cases:
        if case.status == "failed":
            yield f"--- FAIL: {case.name} ({case.seconds:.2f}s)"
            yield from case.output.splitlines()
    if package.status == "failed":
        yield from package.output.splitlines()
    if package.summary:
        yield package.summary


def counts_json(counts: Counts) -> dict[str, int]:
    return {"passed": counts.passed, "failed": counts.failed, "skipped": counts.skipped}


def summary(result: GoTestResult, *, seconds: float) -> str:
    """`2 failed, 31 passed in 4 packages (3 cached), 1.24 s`."""
    counts = result.counts
    unbuilt = sum(bool(package.broken) for package in result.packages)
    alone = sum(not package.broken and not package.failures for package in result.failed)
    tested = [package for package in result.packages if package.cases or package.status == "passed"]
    words = (
        (counts.failed, "failed"),
        (alone, f"{_packages(alone)} failed"),
        (unbuilt, f"{_packages(unbuilt)} failed to build"),
        (counts.passed, "passed"),
        (counts.skipped, "skipped"),
        (counts.unfinished, "not finished"),
    )
    told = ", ".join(f"{number} {word}" for number, word in words if number) or "no tests"
    cached = sum(package.cached for package in tested)
    from_cache = f" ({'all' if cached == len(tested) else cached} cached)" if cached else ""
    where = f" in {len(tested)} {_packages(len(tested))}{from_cache}" if tested else ""
    return f"{told}{where}, {seconds:.2f} s"


def coverage_text(result: GoTestResult, total: float | None, places: SourcePlaces) -> str:
    rows = [
        (places.folder_of(package.path), f"{package.coverage:.1f}%")
        for package in result.packages
        if package.coverage is not None
    ]
    if total is not None:
        rows.append(("total", f"{total:.1f}%"))
    wide = max((len(name) for name, _ in rows), default=0)
    return "\n".join(["coverage of statements", *(f"  {name:<{wide}}  {value:>6}" for name, value in rows)])


def _packages(number: int) -> str:
    return "package" if number == 1 else "packages"


def _panicked(case: CaseResult) -> bool:
    return any(line.startswith(("panic: ", "fatal error: ")) for line in case.output.splitlines())


def _unindented(text: str) -> str:
    """`go test` indents a test's output by four spaces."""
    lines = text.splitlines()
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    cut = min(indents, default=0)
    return "\n".join(line[cut:] for line in lines)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
