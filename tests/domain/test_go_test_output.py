"""`go test -json` read back: whatever order packages and parallel tests come in, and what is no JSON beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from devctl.domain.gotest.output import GoTestOutput
from devctl.domain.gotest.results import GoTestResult

STATUS = {"pass": "passed", "fail": "failed", "skip": "skipped"}
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029"), max_size=30
)
SAID = WORDS.map(lambda text: f"    cart_test.go:7: {text.strip()}.")


class Test(Struct, frozen=True):
    """What one test does: its lines come between its start and its end."""

    __test__ = False
    name: str
    end: str
    said: tuple[str, ...]
    parallel: bool


class Package(Struct, frozen=True):
    path: str
    tests: tuple[Test, ...]

    @property
    def end(self) -> str:
        return "fail" if any(test.end == "fail" for test in self.tests) else "pass"


def event(action: str, package: str, **more: Any) -> str:
    return json.dumps({"Time": "2026-01-31T12:00:00Z", "Action": action, "Package": package, **more})


def of_test(package: str, test: Test) -> list[str]:
    said = [f"=== RUN   {test.name}"]
    lines = [event("run", package, Test=test.name)]
    if test.parallel:
        said += [f"=== PAUSE {test.name}", f"=== CONT  {test.name}"]
    said += [*test.said, f"--- {test.end.upper()}: {test.name} (0.25s)"]
    for text in said:
        lines.append(event("output", package, Test=test.name, Output=f"{text}\n"))
        if text.startswith("=== PAUSE"):
            lines.append(event("pause", package, Test=test.name))
        if text.startswith("=== CONT"):
            lines.append(event("cont", package, Test=test.name))
    return [*lines, event(test.end, package, Test=test.name, Elapsed=0.25)]


@st.composite
def merged(draw: st.DrawFn, streams: list[list[str]]) -> list[str]:
    """All of the lines, each stream in its own order."""
    left, found = [list(stream) for stream in streams if stream], []
    while left:
        stream = draw(st.sampled_from(left))
        found.append(stream.pop(0))
        left = [stream for stream in left if stream]
    return found


TESTS = st.builds(
    Test,
    name=st.from_regex(r"Test[A-Z][a-z]{0,3}(/[a-z#0-9_]{1,4})?", fullmatch=True),
    end=st.sampled_from(["pass", "fail", "skip"]),
    said=st.lists(SAID, max_size=3).map(tuple),
    parallel=st.booleans(),
)
PACKAGES = st.lists(
    st.builds(
        Package,
        path=st.from_regex(r"example\.com/[a-z]{1,3}", fullmatch=True),
        tests=st.lists(TESTS, max_size=4, unique_by=lambda test: test.name).map(tuple),
    ),
    max_size=4,
    unique_by=lambda package: package.path,
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Package], list[str]]:
    packages = draw(PACKAGES)
    streams = []
    for package in packages:
        tests = draw(merged([of_test(package.path, test) for test in package.tests]))
        last = f"FAIL\t{package.path}\t0.5s\n" if package.end == "fail" else f"ok  \t{package.path}\t0.5s\n"
        streams.append(
            [
                event("start", package.path),
                *tests,
                event("output", package.path, Output=f"{package.end.upper()}\n"),
                event("output", package.path, Output=last),
                event(package.end, package.path, Elapsed=0.5),
            ]
        )
    return packages, draw(merged(streams))


def read(lines: list[str]) -> GoTestResult:
    output = GoTestOutput()
    for line in lines:
        output.hear(f"{line}\n")
    return output.finish()


@given(runs())
def test_each_test_has_its_own_lines_however_they_come(run: tuple[list[Package], list[str]]) -> None:
    packages, lines = run
    result = read(lines)
    assert {p.path for p in result.packages} == {p.path for p in packages}
    assert (result.builds, result.said) == ((), ())
    for package in packages:
        found = next(p for p in result.packages if p.path == package.path)
        assert found.status == STATUS[package.end] and found.seconds == 0.5
        told = {(case.name, case.status, case.output, case.seconds) for case in found.cases}
        assert told == {(t.name, STATUS[t.end], "\n".join(t.said).rstrip(), 0.25) for t in package.tests}


@given(runs(), st.data())
def test_what_go_prints_beside_it_changes_no_result(
    run: tuple[list[Package], list[str]], data: st.DataObject
) -> None:
    _, lines = run
    noisy = data.draw(
        merged([lines, ["go: downloading example.com/x v1.0.0", "", "go: downloading y v2.0.0"]])
    )
    assert read(noisy) == read(lines)


@given(runs(), st.integers(0, 60))
def test_a_run_that_was_ended_tells_of_what_it_came_to(
    run: tuple[list[Package], list[str]], cut: int
) -> None:
    _, lines = run
    whole = {package.path: package for package in read(lines).packages}
    ended = [json.loads(line) for line in lines[:cut] if '"Elapsed"' in line]
    ended = [e["Package"] for e in ended if "Test" not in e]
    found = read(lines[:cut])
    assert [p.path for p in found.packages][: len(ended)] == ended
    assert all(p == whole[p.path] for p in found.packages if p.path in ended)
    assert all(p.status == "failed" for p in found.packages if p.path not in ended)


@given(
    st.lists(
        st.text(max_size=40)
        | st.sampled_from(["{}", '{"Action":1}', '{"Action":"fail"}', "{", "# x", "FAIL"])
    )
)
def test_no_line_is_too_odd(lines: list[str]) -> None:
    assert read(lines).packages == ()


@given(runs())
def test_the_lines_of_go_test_v_come_out_whole(run: tuple[list[Package], list[str]]) -> None:
    _, lines = run
    output, printed = GoTestOutput(), list[str]()
    for line in lines:
        output.hear(line)
        printed += output.printed
    said = [json.loads(line).get("Output", "") for line in lines]
    assert printed == [text.removesuffix("\n") for text in said if text]


def output(package: str, text: str, **more: str) -> str:
    return event("output", package, Output=text, **more)


def test_what_does_not_compile_is_told_once_and_who_waits_for_it() -> None:
    built = [
        json.dumps({"ImportPath": "m/cart", "Action": "build-output", "Output": text})
        for text in ("# m/cart\n", "cart/cart.go:3:2: undefined: x\n")
    ]
    twice = [line.replace("m/cart", "m/cart [m/cart.test]") for line in built]
    fails = [
        line
        for path in ("m/cart", "m/api")
        for line in (
            output(path, f"FAIL\t{path} [build failed]\n"),
            event("fail", path, Elapsed=0, FailedBuild="m/cart"),
        )
    ]
    result = read([*built, *twice, *fails])
    assert [(b.package, b.text) for b in result.builds] == [("m/cart", "cart/cart.go:3:2: undefined: x")]
    assert [p.broken for p in result.packages] == ["m/cart", "m/cart"]
    assert result.waiting_for("m/cart") == ("m/api",)


def test_go_before_1_24_says_it_on_stderr() -> None:
    found = GoTestOutput()
    for line in ("go: downloading x v1", "# m/cart [m/cart.test]", "cart/cart_test.go:3:2: undefined: x"):
        found.hear(f"{line}\n", "stderr")
    found.hear("FAIL\tm/cart [build failed]\n")
    found.hear(event("output", "m/api", Output="ok  \tm/api\t0.1s\n"))
    found.hear(event("pass", "m/api"))
    result = found.finish()
    assert [(b.package, b.text) for b in result.builds] == [("m/cart", "cart/cart_test.go:3:2: undefined: x")]
    assert [(p.path, p.status, p.broken) for p in result.packages] == [
        ("m/cart", "failed", "m/cart"),
        ("m/api", "passed", ""),
    ]


def test_what_belongs_to_no_package_is_why_nothing_was_tested() -> None:
    found = GoTestOutput()
    found.hear("go: errors parsing go.mod:\n", "stderr")
    found.hear("/app/go.mod:3: unknown directive: requires\n", "stderr")
    assert found.finish().said == ("go: errors parsing go.mod:", "/app/go.mod:3: unknown directive: requires")


@pytest.mark.parametrize(
    ("line", "status", "cached", "coverage"),
    [
        ("ok  \tm/a\t(cached)", "pass", True, None),
        ("ok  \tm/a\t(cached)\tcoverage: 66.7% of statements", "pass", True, 66.7),
        ("ok  \tm/a\t0.1s\tcoverage: [no statements]", "pass", False, None),
        ("ok  \tm/a\t0.1s\tcoverage: 100.0% of statements in ./... [no tests to run]", "pass", False, 100.0),
        ("\tm/a\t\tcoverage: 0.0% of statements", "skip", False, 0.0),
        ("?   \tm/a\t[no test files]", "skip", False, None),
    ],
)
def test_the_last_line_of_a_package(line: str, status: str, cached: bool, coverage: float | None) -> None:
    (package,) = read([output("m/a", f"{line}\n"), event(status, "m/a", Elapsed=0)]).packages
    assert (package.status, package.cached, package.coverage) == (STATUS[status], cached, coverage)
    assert package.summary == line and package.output == ""


def test_a_panic_is_of_the_test_that_panicked_and_the_others_did_not_finish() -> None:
    lines = [
        event("run", "m/a", Test="TestB"), output("m/a", "=== PAUSE TestB\n", Test="TestB"), event("pause", "m/a", Test="TestB"),
        event("run", "m/a", Test="TestA"), output("m/a", "--- FAIL: TestA (0.00s)\n", Test="TestA"),
        output("m/a", "panic: no way\n", Test="TestA"), event("fail", "m/a", Test="TestA", Elapsed=0),
        output("m/a", "FAIL\tm/a\t0.01s\n"), event("fail", "m/a", Elapsed=0.01),
    ]  # fmt: skip
    (package,) = read(lines).packages
    assert {case.name: case.status for case in package.cases} == {"TestB": "unfinished", "TestA": "failed"}
    assert [case.output for case in package.failures] == ["panic: no way"]


def test_a_test_that_ends_its_process_failed() -> None:
    lines = [
        event("run", "m/a", Test="TestA"), event("pass", "m/a", Test="TestA", Elapsed=0), event("run", "m/a", Test="TestB"),
        output("m/a", "exit status 3\n"), output("m/a", "FAIL\tm/a\t0.01s\n"), event("fail", "m/a", Elapsed=0.01),
    ]  # fmt: skip
    (package,) = read(lines).packages
    assert {case.name: case.status for case in package.cases} == {"TestA": "passed", "TestB": "failed"}
    assert package.output == "exit status 3"


def test_a_test_that_runs_twice_is_two() -> None:
    once = of_test("m/a", Test("TestA", "pass", (), parallel=False))
    (package,) = read([*once, *once, event("pass", "m/a")]).packages
    assert [case.name for case in package.cases] == ["TestA", "TestA"]


def test_a_parent_that_fails_by_its_subtests_alone_is_not_told_of() -> None:
    lines = [
        line
        for test in (
            Test("TestA", "fail", (), False),
            Test("TestA/x", "fail", ("    a_test.go:3: no",), False),
        )
        for line in of_test("m/a", test)
    ]
    (package,) = read([*lines, event("fail", "m/a")]).packages
    assert [case.name for case in package.failures] == ["TestA/x"]


def test_seeds_of_a_fuzz_test_and_examples_are_tests() -> None:
    lines = [
        line
        for name in ("FuzzCart", "FuzzCart/seed#0", "FuzzCart/0a1b2c", "ExampleCart_Add")
        for line in of_test("m/a", Test(name, "pass", (), False))
    ]
    (package,) = read([*lines, event("pass", "m/a")]).packages
    assert [case.status for case in package.cases] == ["passed"] * 4
