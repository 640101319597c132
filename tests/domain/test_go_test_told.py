"""How a `go test` is reported: words, places, coverage, JUnit XML, and what a save affects."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.gotest.affected import PackageGraph, read_graph
from devctl.domain.gotest.arguments import go_test_words
from devctl.domain.gotest.coverage import total_coverage
from devctl.domain.gotest.junit import junit_xml
from devctl.domain.gotest.places import SourcePlaces
from devctl.domain.gotest.report import failures_of, summary
from devctl.domain.gotest.results import BuildErrors, CaseResult, GoTestResult, PackageResult

THERE = {
    "go.mod",
    "api/main.go",
    "api/main_test.go",
    "api/cart/cart.go",
    "api/cart/cart_test.go",
    "lib/lib.go",
}
PLACES = SourcePlaces("/app", "api", (("m/api", "api"), ("m/lib", "lib")), THERE.__contains__)


@pytest.mark.parametrize(
    ("said", "package", "shown"),
    [
        ("    cart_test.go:7: no", "m/api/cart", "    api/cart/cart_test.go:7: no"),
        ("main_test.go:7: no", "m/api", "api/main_test.go:7: no"),
        ("cart_test.go:7: no", "m/api/cart_test", "api/cart/cart_test.go:7: no"),
        ("cart/cart.go:7:2: undefined: x", "", "api/cart/cart.go:7:2: undefined: x"),
        ("./main.go:7:2: undefined: x", "", "api/main.go:7:2: undefined: x"),
        ("vet: cart/cart.go:7:2: undefined: x", "", "vet: api/cart/cart.go:7:2: undefined: x"),
        ("\t/app/lib/lib.go:3 +0x1d", "m/api", "\tlib/lib.go:3 +0x1d"),
        ("\tm/lib/lib.go:3 +0x1d", "m/api", "\tlib/lib.go:3 +0x1d"),
        (
            "\t/usr/local/go/src/testing/testing.go:1934",
            "m/api",
            "\t/usr/local/go/src/testing/testing.go:1934",
        ),
        ("helper.go:7: no", "m/api", "helper.go:7: no"),
        ("../../etc/x.go:1: no", "m/api", "../../etc/x.go:1: no"),
        ("got url http://x/cart.go:7", "m/api/cart", "got url http://x/cart.go:7"),
    ],
)
def test_a_place_is_one_of_the_project_where_it_has_such_a_file(said: str, package: str, shown: str) -> None:
    assert PLACES.opened(said, package=package) == shown


@given(st.text(max_size=80))
def test_only_places_are_changed(text: str) -> None:
    if ".go:" not in text:
        assert PLACES.opened(text, package="m/api") == text


def test_a_folder_stands_for_its_package() -> None:
    assert [PLACES.folder_of(p) for p in ("m/api", "m/api/cart", "m/lib", "other/x")] == [
        "api", "api/cart", "lib", "other/x",
    ]  # fmt: skip


def result(*cases: CaseResult, **more: object) -> GoTestResult:
    status = "failed" if any(case.status == "failed" for case in cases) else "passed"
    return GoTestResult((PackageResult("m/api/cart", status, 0.5, cases=cases, **more),))  # type: ignore[arg-type]


def case(name: str, status: str, output: str = "") -> CaseResult:
    return CaseResult(name, status, 0.25, output)  # type: ignore[arg-type]


def test_a_failure_begins_with_its_place() -> None:
    (found,) = failures_of(
        result(case("TestA", "failed", "    cart_test.go:7: no\n    more")).packages[0], PLACES
    )
    assert (found.kind, found.place, found.title) == (
        "test", "api/cart/cart_test.go:7", "api/cart TestA failed, 0.25 s",
    )  # fmt: skip
    assert found.lines == ("api/cart/cart_test.go:7: no", "more")


def test_a_race_and_a_panic_are_said_as_such() -> None:
    race = case("TestA", "failed", "==================\nWARNING: DATA RACE\n\t/app/api/cart/cart.go:9 +0x1\n")
    panic = case(
        "TestB", "failed", "panic: no way\n\ngoroutine 7 [running]:\n\t/app/api/cart/cart.go:9 +0x1\n"
    )
    found = list(failures_of(result(race, panic).packages[0], PLACES))
    assert [(f.kind, f.place) for f in found] == [
        ("race", "api/cart/cart.go:9"),
        ("panic", "api/cart/cart.go:9"),
    ]


@pytest.mark.parametrize(
    ("given_result", "text"),
    [
        (GoTestResult(), "no tests, 1.20 s"),
        (result(case("TestA", "passed")), "1 passed in 1 package, 1.20 s"),
        (result(case("TestA", "passed"), cached=True), "1 passed in 1 package (all cached), 1.20 s"),
        (
            result(case("TestA", "failed"), case("TestB", "passed"), case("TestC", "skipped"), case("TestD", "unfinished")),
            "1 failed, 1 passed, 1 skipped, 1 not finished in 1 package, 1.20 s",
        ),
        (
            GoTestResult((PackageResult("m/a", "failed", broken="m/a"), PackageResult("m/b", "failed", broken="m/a"))),
            "2 packages failed to build, 1.20 s",
        ),
        (GoTestResult((PackageResult("m/a", "failed", output="exit status 3"),)), "1 package failed, 1.20 s"),
    ],
)  # fmt: skip
def test_one_line_says_how_it_went(given_result: GoTestResult, text: str) -> None:
    assert summary(given_result, seconds=1.2) == text


@pytest.mark.parametrize(
    ("words", "flags", "packages", "last"),
    [
        ([], [], [], []),
        (["./cart", "./..."], [], ["./cart", "./..."], []),
        (["-run", "TestCart", "./cart"], ["-run", "TestCart"], ["./cart"], []),
        (["./cart", "-run=TestCart", "-short"], ["-run=TestCart", "-short"], ["./cart"], []),
        (["-v", "./cart", "-args", "-run", "x"], ["-v"], ["./cart"], ["-args", "-run", "x"]),
        (["--test.timeout", "5s", "-race"], ["--test.timeout", "5s", "-race"], [], []),
        (["-count"], ["-count"], [], []),
    ],
)
def test_flags_are_told_from_packages(
    words: list[str], flags: list[str], packages: list[str], last: list[str]
) -> None:
    found = go_test_words(words)
    assert ([*found.flags], [*found.packages], [*found.last]) == (flags, packages, last)


def test_what_a_flag_asks_for() -> None:
    found = go_test_words(["-coverprofile", "c.out", "-v=false", "-bench=."])
    assert (found.value("coverprofile"), found.has("v"), found.talks, found.value("run")) == (
        "c.out",
        False,
        True,
        None,
    )


def test_a_block_that_several_programs_tell_of_counts_once() -> None:
    profile = "mode: set\nm/a.go:1.2,3.4 3 0\nm/a.go:1.2,3.4 3 1\nm/a.go:5.1,6.2 1 0\n"
    assert total_coverage(profile) == 75.0
    assert total_coverage("mode: set\n") is None


TEXT = st.text(max_size=30)
CASES = st.builds(
    CaseResult,
    name=st.text(min_size=1, max_size=10),
    status=st.sampled_from(["passed", "failed", "skipped", "unfinished"]),
    seconds=st.floats(0, 1000),
    output=TEXT,
)
RESULTS = st.builds(
    GoTestResult,
    packages=st.lists(
        st.builds(
            PackageResult,
            path=st.text(min_size=1, max_size=8),
            status=st.sampled_from(["passed", "failed", "skipped"]),
            seconds=st.floats(0, 1000),
            cases=st.lists(CASES, max_size=3).map(tuple),
            output=TEXT,
            broken=st.sampled_from(["", "m/api"]),
        ),
        max_size=3,
    ).map(tuple),
    builds=st.sampled_from([(), (BuildErrors("m/api", "main.go:1:1: no"),)]),
    said=st.lists(TEXT, max_size=2).map(tuple),
)
ALLOWED = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "time", "tests", "failures", "errors", "skipped", "timestamp"},
        {"testcase"},
    ),
    "testcase": ({"classname", "name", "time", "file", "line"}, {"failure", "error", "skipped"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""Attributes and children of junit-10.xsd, as far as they are used."""


def must_be_junit(text: str) -> ElementTree.Element:
    """Parsed; each element has its place, its attributes and counts that are true."""
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes and {child.tag for child in element} <= children
    for suite in root.iter("testsuite"):
        assert len(list(suite)) == int(suite.attrib["tests"]) > 0
        for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert len(suite.findall(f"testcase/{tag}")) == int(suite.attrib[key])
        assert float(suite.attrib["time"]) >= 0
    for key in ("tests", "failures", "errors"):
        assert int(root.attrib[key]) == sum(int(suite.attrib[key]) for suite in root)
    return root


@given(RESULTS)
def test_junit_is_well_formed_whatever_tests_print(found: GoTestResult) -> None:
    root = must_be_junit(junit_xml(found, PLACES, name="shop", seconds=1.0, at="2026-01-31T12:00:00"))
    cases = sum(len(p.cases) for p in found.packages)
    assert int(root.attrib["tests"]) >= cases
    assert int(root.attrib["failures"]) == found.counts.failed


def test_junit_says_what_failed_and_where() -> None:
    found = result(
        case("TestA", "failed", "    cart_test.go:7: <no> \x1b[31m& more"), case("TestB", "passed")
    )
    root = must_be_junit(junit_xml(found, PLACES, name="shop", seconds=1.0, at="2026-01-31T12:00:00"))
    failed = root.find("testsuite/testcase")
    assert failed is not None and failed[0].tag == "failure"
    assert failed.attrib == {
        "classname": "m/api/cart", "name": "TestA", "time": "0.250", "file": "api/cart/cart_test.go", "line": "7",
    }  # fmt: skip
    assert failed[0].attrib["message"] == "api/cart/cart_test.go:7: <no> \\x1b[31m& more"


def listed(**packages: list[str]) -> PackageGraph:
    """Packages below `m`, each with all that it is made of, as `go list -deps -test` lists them."""
    told = []
    for name, deps in packages.items():
        path = f"m/{name}"
        made_of = ["fmt", *(f"m/{dep}" for dep in deps)]
        told.append(
            {"ImportPath": path, "Dir": f"/app/{name}", "Deps": made_of, "EmbedFiles": [f"{name}.sql"]}
        )
        told.append(
            {"ImportPath": f"{path}.test", "Dir": f"/app/{name}", "Deps": [f"{path} [{path}.test]", *made_of]}
        )
    told.append({"ImportPath": "fmt", "Dir": "/usr/local/go/src/fmt", "Standard": True, "DepOnly": True})
    graph = read_graph("\n".join(json.dumps(each, indent=1) for each in told), mounted_at="/app")
    assert graph is not None
    return graph


def test_a_save_affects_its_package_and_those_that_are_made_of_it() -> None:
    graph = listed(leaf=[], middle=["leaf"], top=["leaf", "middle"], alone=[])
    assert graph.affected(["leaf/leaf.go"]) == {"m/leaf", "m/middle", "m/top"}
    assert graph.affected(["middle/middle_test.go"]) == {"m/middle", "m/top"}
    assert graph.affected(["alone/testdata/deep/x.json"]) == {"m/alone"}
    assert graph.affected(["alone/alone.sql"]) == {"m/alone"}
    assert graph.affected([]) == frozenset()


@pytest.mark.parametrize("path", ["go.mod", "lib/go.sum", "new/new.go", "migrations/1.sql", "README.md"])
def test_what_no_package_claims_affects_all(path: str) -> None:
    assert listed(leaf=[]).affected([path]) is None


def test_an_answer_that_is_none_is_no_graph() -> None:
    assert read_graph("go: no", mounted_at="/app") is None
    assert read_graph('{"ImportPath": 3}', mounted_at="/app") is None
    assert read_graph("", mounted_at="/app") == PackageGraph()


@given(st.data())
def test_it_is_the_transitive_closure(data: st.DataObject) -> None:
    """Against a search of our own through any graph without cycles."""
    names = [f"p{n}" for n in range(data.draw(st.integers(1, 6)))]
    imports = {n: data.draw(st.sets(st.sampled_from(names[:i]))) if i else set() for i, n in enumerate(names)}

    def below(name: str) -> set[str]:
        return {name}.union(*(below(other) for other in imports[name]))

    graph = listed(**{name: sorted(below(name) - {name}) for name in names})
    changed = data.draw(st.sampled_from(names))
    wanted = {f"m/{name}" for name in names if changed in below(name)}
    assert graph.affected([f"{changed}/x.go"]) == wanted


def test_places_of_a_module_at_the_top(tmp_path: Path) -> None:
    (tmp_path / "main_test.go").touch()
    places = SourcePlaces("/app", ".", (("m", "."),), lambda path: (tmp_path / path).is_file())
    assert places.opened("main_test.go:3: no", package="m") == "main_test.go:3: no"
    assert places.first("main_test.go:3: no") == "main_test.go:3"
    assert places.folder_of("m") == "."
