"""`devctl test` on a real project: results against go's own, what a save has tested, and nothing left running."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec import Struct, field

from tests.domain.test_go_test_told import must_be_junit
from tests.engine.alone import DEBIAN_GO, alone
from tests.engine.cli import DEVCTL, docker, until
from tests.engine.conftest import Started, made_in
from tests.helpers import save

pytestmark = pytest.mark.engine
TEST = """package {name}

import "testing"

func Test{title}(t *testing.T) {{
	if Sum(1, 2) != 3 {{
		t.Errorf("got %d", Sum(1, 2))
	}}
}}
"""
LEAF = """package leaf

// Sum adds.
func Sum(a, b int) int { return a + b }

// Unused is in no test.
func Unused() int { return 1 }
"""
LATE = """package late

import "MODULE/internal/alone"

// Sum adds.
func Sum(a, b int) int { return alone.Sum(a, b) }
"""
FILES = {
    "internal/leaf/leaf.go": LEAF,
    "internal/leaf/leaf_test.go": TEST.format(name="leaf", title="Leaf"),
    "internal/user/user.go": (
        'package user\n\nimport "MODULE/internal/leaf"\n\n// Sum adds.\nfunc Sum(a, b int) int { return leaf.Sum(a, b) }\n'
    ),
    "internal/user/user_test.go": TEST.format(name="user", title="User"),
    "internal/alone/alone.go": "package alone\n\n// Sum adds.\nfunc Sum(a, b int) int { return a + b }\n",
    "internal/alone/alone_test.go": (
        'package alone_test\n\nimport (\n\t"testing"\n\n\t"MODULE/internal/alone"\n)\n\n'
        'func TestAlone(t *testing.T) {\n\tif alone.Sum(1, 2) != 3 {\n\t\tt.Error("no")\n\t}\n}\n'
    ),
}
SLOW = 'package slow\n\nimport (\n\t"testing"\n\t"time"\n)\n\nfunc TestSlow(t *testing.T) { time.Sleep(10 * time.Minute) }\n'
RACY = """package racy

import "testing"

func TestRacy(t *testing.T) {
	done, n := make(chan bool), 0
	go func() { n++; close(done) }()
	n++
	<-done
	t.Log(n)
}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One project for all of these tests: a leaf, what imports it, and a package of its own."""
    with made_in(tmp_path_factory.mktemp("tests")) as make:
        started = make()
        module = re.search(r"^module (\S+)", (started.root / "go.mod").read_text(), re.M)
        assert module is not None
        started.write({path: text.replace("MODULE", module[1]) for path, text in FILES.items()})
        started.devctl("up", "-d", "--no-watch")
        yield started


@contextmanager
def edited(running: Started, path: str, before: str, after: str) -> Iterator[None]:
    text = (running.root / path).read_text()
    assert before in text
    save(running.root / path, text.replace(before, after))
    try:
        yield
    finally:
        save(running.root / path, text)


@contextmanager
def added(running: Started, path: str, text: str) -> Iterator[None]:
    running.write({path: text})
    try:
        yield
    finally:
        (running.root / path).unlink()
        (running.root / path).parent.rmdir()


def folders(packages: list[dict[str, Any]]) -> list[str]:
    return sorted(package["folder"] for package in packages)


def processes(running: Started) -> str:
    """Of the container, those that a `go test` starts."""
    container = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={running.name}")
    told = docker("top", container, "-eo", "pid,args")
    return "\n".join(
        line for line in told.splitlines() if "go test" in line or ".test" in line or "attended" in line
    )


def test_each_package_has_its_result(running: Started) -> None:
    done = running.devctl("test").result
    assert done["command_exit_code"] == 0 and done["failed"] == []
    assert folders(done["packages"]) == [
        ".",
        "internal/alone",
        "internal/leaf",
        "internal/user",
        "internal/web",
    ]
    assert done["counts"]["passed"] >= 5 and done["counts"]["failed"] == 0
    again = running.devctl("test").result
    assert all(package["cached"] for package in again["packages"]), "the cache of the container is warm"


def test_a_failure_has_its_place_until_it_is_fixed(running: Started) -> None:
    with edited(running, "internal/leaf/leaf.go", "return a + b", "return a - b"):
        failed = running.devctl("test", code=1)
        # packages are tested side by side, and end in any order
        assert sorted((f["kind"], f["test"], f["place"]) for f in failed.result["failed"]) == [
            ("test", "TestLeaf", "internal/leaf/leaf_test.go:7"),
            ("test", "TestUser", "internal/user/user_test.go:7"),
        ]
        assert any("--- FAIL: TestLeaf" in event["line"] for event in failed.named("log"))
        text = subprocess.run([*DEVCTL, "test"], cwd=running.root, capture_output=True, text=True)
        assert text.returncode == 1
        assert "  internal/leaf/leaf_test.go:7: got -1\n" in text.stdout
        assert re.fullmatch(
            r"2 failed, \d+ passed in 5 packages.*, \d+\.\d\d s", text.stdout.splitlines()[-1]
        )
    assert running.devctl("test", "./internal/leaf").result["counts"] == {
        "passed": 1,
        "failed": 0,
        "skipped": 0,
    }


def test_what_does_not_compile_is_told_once(running: Started) -> None:
    with edited(running, "internal/leaf/leaf.go", "return a + b", "return c"):
        failed = running.devctl("test", code=1).result
        (build,) = failed["failed"]
        assert (build["kind"], build["place"]) == ("build", "internal/leaf/leaf.go:4:33")
        assert build["output"].count("undefined: c") == 1
        text = subprocess.run([*DEVCTL, "test"], cwd=running.root, capture_output=True, text=True).stdout
        assert text.startswith(
            "internal/leaf does not compile:\n  internal/leaf/leaf.go:4:33: undefined: c\n"
        )
        assert "not tested because of this error: internal/user" in text


def test_junit_is_of_its_caller_and_as_ci_reads_it(running: Started) -> None:
    with edited(running, "internal/alone/alone.go", "a + b", "a * b"):
        running.devctl("test", "--junit", "report.xml", code=1)
    path = running.root / "report.xml"
    assert (path.stat().st_uid, path.stat().st_gid) == (
        running.root.stat().st_uid,
        running.root.stat().st_gid,
    )
    root = must_be_junit(path.read_text())
    path.unlink()
    assert root.attrib["failures"] == "1"
    (failed,) = (case for case in root.iter("testcase") if case.find("failure") is not None)
    assert (failed.attrib["name"], failed.attrib["file"]) == ("TestAlone", "internal/alone/alone_test.go")
    assert isinstance(failed, ElementTree.Element)


def test_coverage_is_what_go_says(running: Started) -> None:
    done = running.devctl("test", "--cover").result
    go = running.devctl(
        "exec", "app", "--", "sh", "-c",
        "go test -coverprofile /tmp/theirs ./... && go tool cover -func /tmp/theirs | tail -n 1",
    ).named("log")  # fmt: skip
    lines = [event["line"] for event in go]
    assert f"{done['coverage']:.1f}%" == lines[-1].split()[-1]
    theirs = {
        m[1]: float(m[2]) for line in lines if (m := re.search(r"(\S+)\t.*coverage: ([\d.]+)% of", line))
    }
    assert {p["package"]: p["coverage"] for p in done["packages"]} == theirs
    assert theirs and min(theirs.values()) < done["coverage"] < 100


def test_flags_of_go_test_are_passed_on(running: Started) -> None:
    done = running.devctl("test", "./internal/...", "--", "-run", "TestLeaf").result
    assert done["counts"]["passed"] == 1 and len(done["packages"]) == 4
    assert running.devctl("test", "--", "-run", "TestLeaf", "./internal/leaf").result["counts"]["passed"] == 1


def test_a_run_that_is_ended_leaves_nothing(running: Started) -> None:
    with added(running, "internal/slow/slow_test.go", SLOW):
        for number in (signal.SIGINT, signal.SIGKILL):
            process = subprocess.Popen(
                [*DEVCTL, "test", "./internal/slow"], cwd=running.root, stdout=subprocess.PIPE, text=True
            )
            until(lambda: "slow.test" in processes(running))
            process.send_signal(number)
            said, _ = process.communicate(timeout=180)
            assert (process.returncode, said) in ((130, ""), (-signal.SIGKILL, "")), (
                "what was ended did not fail"
            )
            until(lambda: not processes(running), why=lambda: processes(running))


class Watched(Struct):
    """A `devctl --json test --watch`; `rounds`: its events so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rounds(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("name") == "test.round"]

    def read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(json.loads(line))

    def until(self, rounds: int) -> dict[str, Any]:
        until(lambda: len(self.rounds) >= rounds, why=lambda: str(self.lines))
        return self.rounds[rounds - 1]


@contextmanager
def watching(running: Started, *words: str) -> Iterator[Watched]:
    process = subprocess.Popen(
        [*DEVCTL, "--json", "test", "--watch", *words], cwd=running.root, stdout=subprocess.PIPE, text=True
    )
    watched = Watched(process)
    reader = threading.Thread(target=watched.read)
    reader.start()
    try:
        yield watched
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(180)
        reader.join(60)
    assert code == 0, "Ctrl-C is the normal end"
    assert {line["type"] for line in watched.lines[:-1]} == {"event"} and watched.lines[-1]["ok"] is True
    assert len(watched.rounds) == len(watched.lines) - 1, "one line a round"
    until(lambda: not processes(running), why=lambda: processes(running))


def test_a_save_tests_what_it_affects(running: Started) -> None:
    with watching(running) as watched:
        assert watched.until(1)["ok"] is True
        with edited(running, "internal/leaf/leaf.go", "return a + b", "return b + a"):
            second = watched.until(2)
            assert folders(list(second["packages"])) == ["internal/leaf", "internal/user"]
            assert second["changed"] == ["internal/leaf/leaf.go"] and second["ok"] is True
        assert folders(list(watched.until(3)["packages"])) == ["internal/leaf", "internal/user"]
        with edited(running, "internal/alone/alone_test.go", '"no"', '"never"'):
            assert folders(list(watched.until(4)["packages"])) == ["internal/alone"]
        watched.until(5)
        with edited(running, "internal/leaf/leaf.go", "return a + b", "return a - b"):
            sixth = watched.until(6)
            assert {f["test"] for f in sixth["failed"]} == {"TestLeaf", "TestUser"} and sixth["ok"] is False
        assert watched.until(7)["ok"] is True


def test_a_new_package_and_a_new_import_are_seen(running: Started) -> None:
    with watching(running, "./internal/...") as watched:
        watched.until(1)
        test = FILES["internal/leaf/leaf_test.go"].replace("package leaf", "package late")
        module = (running.root / "internal/user/user.go").read_text().split('"')[1].rpartition("/internal")[0]
        code = LATE.replace("MODULE", module)
        (running.root / "internal/late").mkdir()
        running.write({"internal/late/late.go": code, "internal/late/late_test.go": test})
        try:
            until(
                lambda: any(
                    "internal/late" in folders(list(r["packages"])) and r["ok"] for r in watched.rounds
                ),
                why=lambda: str(watched.lines),
            )
            before = len(watched.rounds)
            with edited(running, "internal/alone/alone.go", "a + b", "b + a"):
                found = watched.until(before + 1)
                assert {"internal/alone", "internal/late"} <= {*folders(list(found["packages"]))}
        finally:
            for path in sorted((running.root / "internal/late").iterdir()):
                path.unlink()
            (running.root / "internal/late").rmdir()


def test_a_save_during_a_run_begins_again_with_both(running: Started) -> None:
    with added(running, "internal/slow/slow_test.go", SLOW), watching(running, "./internal/...") as watched:
        until(lambda: "slow.test" in processes(running))
        save(
            running.root / "internal/slow/slow_test.go", SLOW.replace("10 * time.Minute", "time.Millisecond")
        )
        first = watched.until(1)
        assert folders(list(first["packages"]))[-4:] == [
            "internal/leaf", "internal/slow", "internal/user", "internal/web",
        ]  # fmt: skip
        assert first["ok"] is True


@pytest.mark.follows("replace … with … in …, then devctl up -d")
def test_a_race_is_found_once_there_is_a_c_compiler(running: Started) -> None:
    with alone(DEBIAN_GO), added(running, "internal/racy/racy_test.go", RACY):
        refused = running.devctl("test", "--race", "./internal/racy", code=4)
        assert refused.error["code"] == "base-lacks-c-compiler"
        hint = re.fullmatch(r"replace (\S+) with (\S+) in (\S+), then devctl up -d", refused.error["hint"])
        assert hint is not None
        path = running.root / hint[3]
        path.write_text(path.read_text().replace(hint[1], hint[2]))
        running.devctl("bases", "build")
        running.devctl("up", "-d", "--no-watch", timeout=900)
        failed = running.devctl("test", "--race", "./internal/racy", code=1, timeout=900)
        (race,) = failed.result["failed"]
        assert (race["kind"], race["test"]) == ("race", "TestRacy")
        assert race["place"].startswith("internal/racy/racy_test.go:")
        assert running.devctl("test", "./internal/racy").result["command_exit_code"] == 0


@pytest.mark.follows("devctl test --junit FILE")
def test_one_report_is_of_one_run(running: Started) -> None:
    refused = running.devctl("test", "--watch", "--junit", "x.xml", code=2)
    assert refused.error["code"] == "usage" and not (running.root / "x.xml").exists()
    words = refused.error["hint"].partition(",")[0].split()[1:]
    running.devctl(*(word.replace("FILE", "x.xml") for word in words))
    (running.root / "x.xml").unlink()
