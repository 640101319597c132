"""JUnit XML as CI servers read it: one testsuite per package, one testcase per test. There is no standard; these are the
elements and attributes of https://github.com/jenkinsci/xunit-plugin (junit-10.xsd), which GitLab and GitHub's actions support
as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from devctl.domain.gotest.places import SourcePlaces
from devctl.domain.gotest.report import FailedTest, build_failures, failures_of, start_failure
from devctl.domain.gotest.results import CaseResult, GoTestResult
from devctl.domain.project.control_characters import visible
from devctl.domain.regex import regex

_NO_XML = regex("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot represent: https://www.w3.org/TR/xml/#charsets."""
Verdict = Literal["passed", "failure", "error", "skipped"]


class _Entry(Struct, frozen=True):
    """A testcase."""

    name: str
    verdict: Verdict = "passed"
    seconds: float = 0.0
    kind: str = ""
    message: str = ""
    text: str = ""
    place: str = ""


class _Suite(Struct, frozen=True):
    name: str
    seconds: float
    entries: tuple[_Entry, ...] = field(default=())

    def count(self, verdict: Verdict) -> int:
        return sum(entry.verdict == verdict for entry in self.entries)


def junit_xml(result: GoTestResult, places: SourcePlaces, *, name: str, seconds: float, at: str) -> str:
    """`at`: when it began, as `2026-01-31T12:00:00`."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    suites = tuple(_suites(result, places))
    root = Element("testsuites", {"name": _xml(name), "time": f"{seconds:.3f}"} | _counted(suites))
    for suite in suites:
        named = {"name": _xml(suite.name), "time": f"{suite.seconds:.3f}", "timestamp": at}
        counts = _counted((suite,)) | {"skipped": str(suite.count("skipped"))}
        told = SubElement(root, "testsuite", named | counts)
        for entry in suite.entries:
            file, _, rest = entry.place.partition(":")
            where = {"file": _xml(file), "line": rest.partition(":")[0]} if file else {}
            named = {"classname": _xml(suite.name), "name": _xml(entry.name), "time": f"{entry.seconds:.3f}"}
            case = SubElement(told, "testcase", named | where)
            if entry.verdict == "skipped":
                SubElement(case, "skipped", message=_xml(entry.message))
            elif entry.verdict != "passed":
                why = SubElement(case, entry.verdict, message=_xml(entry.message), type=entry.kind)
                why.text = _xml(entry.text)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _counted(suites: tuple[_Suite, ...]) -> dict[str, str]:
    return {
        "tests": str(sum(len(suite.entries) for suite in suites)),
        "failures": str(sum(suite.count("failure") for suite in suites)),
        "errors": str(sum(suite.count("error") for suite in suites)),
    }


def _suites(result: GoTestResult, places: SourcePlaces) -> Iterator[_Suite]:
    builds = {failure.package: failure for failure in build_failures(result, places)}
    for package in result.packages:
        failures = {failure.test: failure for failure in failures_of(package, places)}
        entries = [_entry(case, failures.get(case.name)) for case in package.cases]
        if package.broken:
            entries.append(_error("[build failed]", builds.get(package.broken), package.summary))
        elif "" in failures:
            entries.append(_error("[package failed]", failures[""], package.summary))
        if entries:
            yield _Suite(package.path, package.seconds, tuple(entries))
    start = start_failure(result, places)
    if start is not None:
        yield _Suite("go test", 0.0, (_error("[not started]", start, ""),))


def _entry(case: CaseResult, failure: FailedTest | None) -> _Entry:
    match case.status:
        case "passed":
            return _Entry(case.name, seconds=case.seconds)
        case "failed":
            text = failure.output if failure is not None else case.output
            return _Entry(
                case.name, "failure", case.seconds, failure.kind if failure is not None else "test",
                _first_line(text) or "failed", text, (failure.place if failure is not None else None) or "",
            )  # fmt: skip
        case "skipped":
            return _Entry(case.name, "skipped", case.seconds, message=_first_line(case.output) or "skipped")
        case _:
            return _Entry(case.name, "skipped", case.seconds, message="did not finish: its process ended")


def _error(name: str, failure: FailedTest | None, otherwise: str) -> _Entry:
    text = failure.output if failure is not None else otherwise
    kind, place = (failure.kind, failure.place or "") if failure is not None else ("build", "")
    return _Entry(name, "error", kind=kind, message=_first_line(text) or name, text=text, place=place)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", visible(text))
