"""`devctl test` in the world in memory: how `go test` is called, how its results are reported, and the rounds of --watch."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import LogLine, Outcome, Remark, RoundTested, Told
from devctl.domain.command.requests import GoTestRequest, UpRequest
from devctl.errors import DevctlError, MachineError, UsageError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.inside.go_test import test as go_test
from devctl.workflows.inside.saved_files import SavedFiles, saved_files
from devctl.workflows.inside.watch_tests import Rounds, watch_tests
from devctl.workflows.project.load import load
from tests.engine.cli import until
from tests.fakes import World

MODULE = "example.com/shop"


def event(action: str, package: str, **more: Any) -> str:
    return json.dumps({"Action": action, "Package": package, **more})


def passes(name: str) -> list[str]:
    path = f"{MODULE}/{name}"
    return [
        event("run", path, Test="TestIt"), event("pass", path, Test="TestIt", Elapsed=0.1),
        event("output", path, Output=f"ok  \t{path}\t0.1s\n"), event("pass", path, Elapsed=0.1),
    ]  # fmt: skip


def fails(name: str, said: str = "    x_test.go:3: no\n") -> list[str]:
    path = f"{MODULE}/{name}"
    return [
        event("run", path, Test="TestIt"), event("output", path, Test="TestIt", Output=said),
        event("fail", path, Test="TestIt", Elapsed=0.1), event("output", path, Output=f"FAIL\t{path}\t0.1s\n"),
        event("fail", path, Elapsed=0.1),
    ]  # fmt: skip


class Go:
    """Packages of the module and what they import; `calls`: what was asked of `go test`, without flags."""

    def __init__(self, world: World, **imports: Sequence[str]) -> None:
        self.world, self.imports = world, imports
        self.broken: set[str] = set()
        self.calls: list[list[str]] = []
        self.flags: list[list[str]] = []
        self.meanwhile: list[Callable[[], None]] = []
        world.go_test, world.go_list = self.test, self.list()
        for name in imports:
            world.save(f"{name}/{name}.go", f"package {name}")
            world.save(f"{name}/x_test.go", f"package {name}")

    def list(self) -> str:
        def below(name: str) -> set[str]:
            return {name}.union(*(below(other) for other in self.imports[name]))

        told = (
            {
                "ImportPath": f"{MODULE}/{name}",
                "Dir": f"/app/{name}",
                "Deps": [f"{MODULE}/{n}" for n in below(name)],
            }
            for name in self.imports
        )
        return "\n".join(map(json.dumps, told))

    def test(self, words: list[str]) -> tuple[int, list[str]]:
        packages = [word for word in words if not word.startswith("-")]
        self.flags.append([word for word in words if word.startswith("-")])
        self.calls.append([word.removeprefix(f"{MODULE}/") for word in packages])
        if self.meanwhile:
            self.meanwhile.pop(0)()
        names = list(self.imports) if "./..." in packages else self.calls[-1]
        lines = [line for name in names for line in (fails(name) if name in self.broken else passes(name))]
        return (1 if self.broken & {*names} else 0), lines


@pytest.fixture
def world() -> World:
    made = World()
    up(UpRequest(project=made.root, detach=True, watch=False), made.box())
    made.events.clear()
    return made


def once(world: World, *packages: str, **how: Any) -> Outcome:
    return go_test(GoTestRequest(project=world.root, packages=packages, **how), world.box())


def told(world: World) -> list[str]:
    return [event.title for event in world.events if isinstance(event, Told)]


def test_what_failed_is_told_with_its_place_and_the_rest_in_one_line(world: World) -> None:
    go = Go(world, cart=(), api=("cart",))
    go.broken.add("cart")
    done = once(world)
    assert done.exit_code == 1 and done.problem is None
    (failure,) = [e for e in world.events if isinstance(e, Told)]
    assert (failure.title, failure.text, failure.good) == (
        "cart TestIt failed, 0.10 s", "cart/x_test.go:3: no", False,
    )  # fmt: skip
    assert done.text.startswith("1 failed, 1 passed in 2 packages, ")
    assert not [e for e in world.events if isinstance(e, LogLine)]


def test_the_result_has_packages_and_failures(world: World) -> None:
    go = Go(world, cart=(), api=("cart",))
    go.broken.add("cart")
    result = once(world, json=True).result
    assert (result["command_exit_code"], result["counts"]) == (1, {"passed": 1, "failed": 1, "skipped": 0})
    assert [p["folder"] for p in cast("Any", result["packages"])] == ["cart", "api"]
    (failure,) = cast("Any", result["failed"])
    assert failure == {
        "kind": "test", "package": f"{MODULE}/cart", "test": "TestIt", "place": "cart/x_test.go:3", "ms": 100,
        "output": "cart/x_test.go:3: no",
    }  # fmt: skip
    lines = [e.line for e in world.events if isinstance(e, LogLine)]
    assert f"ok  \t{MODULE}/api\t0.1s" in lines and "--- FAIL: TestIt (0.10s)" in lines


def test_flags_come_before_packages_and_words_of_the_tests_last(world: World) -> None:
    go = Go(world, cart=())
    once(world, "./cart", "-short", "-args", "x", race=True, cover=True)
    assert go.calls == [["./cart", "x"]]
    (flags,) = go.flags
    assert flags[0] == "-json" and {"-race", "-cover", "-short", "-args"} < {*flags}
    assert once(world, "-run", "TestIt", dry_run=True).result["plan"] == [
        {"step": "exec", "service": "shop", "cause": "go test -run TestIt ./..."}
    ]


@pytest.mark.follows("devctl.yaml: `bases: {golang: '…'}`, then devctl up -d")
@pytest.mark.parametrize(
    "said", ["go: -race requires cgo; enable cgo by setting CGO_ENABLED=1", 'cgo: C compiler "gcc" not found']
)
def test_a_race_needs_a_c_compiler(world: World, said: str) -> None:
    world.go_test = lambda words: (2, [said])
    with pytest.raises(MachineError, match="--race needs a C compiler") as refused:
        once(world, race=True)
    assert refused.value.code == "base-lacks-c-compiler"
    world.save("devctl.yaml", refused.value.problem.hint.split("`")[1])
    assert load(world.box(), world.root).bases["golang"] == "golang:1.26", "which has a compiler"


def test_what_keeps_go_test_from_beginning_is_told(world: World) -> None:
    world.go_test = lambda words: (1, ["go: errors parsing go.mod:", "/app/go.mod:3: unknown directive: x"])
    done = once(world)
    assert done.exit_code == 1 and told(world) == ["go test failed:"]
    (failure,) = cast("Any", done.result["failed"])
    assert failure["kind"] == "start" and "unknown directive" in failure["output"]


def test_junit_is_written_where_the_caller_says(world: World) -> None:
    Go(world, cart=())
    done = once(world, junit=Path("report.xml"))
    (path,) = [path for path in world.files if path.name == "report.xml"]
    assert '<testcase classname="example.com/shop/cart" name="TestIt"' in world.files[path]
    assert "written: " in done.text


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("main.go", "is not overwritten"),
        ("...", "the name of a file"),
        ("/nowhere/x.xml", "there is no folder /nowhere"),
    ],
)
def test_what_is_no_place_for_a_report_is_refused_before_the_tests_run(
    world: World, file: str, why: str
) -> None:
    go = Go(world, cart=())
    before = dict(world.files)
    with pytest.raises(UsageError, match=why):
        once(world, junit=Path(file))
    assert world.files == before and not go.calls


def test_a_report_replaces_an_earlier_one(world: World) -> None:
    Go(world, cart=())
    world.save("report.xml", "<?xml version='1.0'?><old/>")
    assert "written: " in once(world, junit=Path("report.xml")).text
    assert all("<old/>" not in text for text in world.files.values())


def test_what_go_test_v_prints_is_shown_as_it_comes(world: World) -> None:
    Go(world, cart=())
    once(world, verbose=True)
    assert f"ok  \t{MODULE}/cart\t0.1s" in [e.line for e in world.events if isinstance(e, LogLine)]


def test_it_needs_a_dev_container_that_runs(world: World) -> None:
    world.of("shop").state = "exited"
    with pytest.raises(UsageError) as refused:
        once(world)
    assert refused.value.code == "not-running"


# --watch


class Saves:
    """A `SavedFiles` that plays steps, each what is saved when nobody but the one that waits for saves has looked for long; Ctrl-C
    after the last."""

    LONG = 100
    """Looks: more than a run in this world takes."""

    def __init__(self, *steps: Callable[[], Sequence[str]]) -> None:
        self.steps, self.changed, self.looks = list(steps), set[str](), 0

    def seen(self) -> frozenset[str]:
        self.looks += 1
        if not self.changed and self.looks > self.LONG:
            if not self.steps:
                raise KeyboardInterrupt
            self.changed.update(self.steps.pop(0)())
            self.looks = 0
        return frozenset(self.changed)

    def take(self) -> frozenset[str]:
        taken, self.looks = frozenset(self.changed), 0
        self.changed.clear()
        return taken


def watched(
    world: World, *steps: Callable[[], Sequence[str]], saves: Saves | None = None, **how: Any
) -> Rounds:
    saves = saves or Saves()
    saves.steps += steps
    box = world.box()
    tests = Rounds(GoTestRequest(project=world.root, **how), box, load(box, world.root))
    with pytest.raises(KeyboardInterrupt):
        tests.run(cast("SavedFiles", saves))
    return tests


def rounds(world: World) -> list[RoundTested]:
    return [event for event in world.events if isinstance(event, RoundTested)]


def saved(*paths: str) -> Callable[[], Sequence[str]]:
    return lambda: paths


def test_a_save_has_what_depends_on_it_tested_and_nothing_else(world: World) -> None:
    go = Go(world, leaf=(), middle=("leaf",), top=("middle",), alone=())
    watched(world, saved("leaf/leaf.go"), saved("alone/x_test.go"), saved("leaf/leaf.go", "alone/alone.go"))
    assert go.calls == [["./..."], ["leaf", "middle", "top"], ["alone"], ["alone", "leaf", "middle", "top"]]
    assert [r.changed for r in rounds(world)] == [
        (), ("leaf/leaf.go",), ("alone/x_test.go",), ("alone/alone.go", "leaf/leaf.go"),
    ]  # fmt: skip


def test_a_removed_file_is_not_said_to_have_changed(world: World) -> None:
    Go(world, leaf=(), alone=())
    world.save("leaf/old.go", "package leaf")

    def removed() -> Sequence[str]:
        world.save("leaf/old.go", None)
        return ["leaf/old.go"]

    watched(world, removed, saved("leaf/leaf.go", "leaf/old.go"))
    assert [e.text for e in world.events if isinstance(e, Remark)][1:] == [
        "leaf/old.go removed: testing leaf",
        "leaf/leaf.go changed, leaf/old.go removed: testing leaf",
    ]


def test_what_failed_is_tested_first_and_said_until_it_passes(world: World) -> None:
    go = Go(world, leaf=(), middle=("leaf",), alone=())
    go.broken.add("middle")

    def fixed() -> Sequence[str]:
        go.broken.clear()
        return ["middle/middle.go"]

    watched(world, saved("leaf/leaf.go"), saved("alone/alone.go"), fixed)
    assert go.calls == [["./..."], ["middle", "leaf"], ["alone"], ["middle"]]
    assert [(r.ok, r.failing) for r in rounds(world)] == [
        (False, ()),
        (False, ()),
        (True, ("middle",)),
        (True, ()),
    ]
    assert "; still failing: middle" in told(world)[-2]


def test_what_no_package_claims_has_everything_tested(world: World) -> None:
    go = Go(world, leaf=(), alone=())
    go.broken.add("leaf")
    watched(world, saved("migrations/1.sql"), saved("go.mod"))
    assert go.calls == [["./..."], ["leaf", "./..."], ["leaf", "./..."]]


def test_a_save_during_a_run_ends_it_and_the_next_one_tests_both(world: World) -> None:
    go, saves = Go(world, leaf=(), middle=("leaf",), alone=()), Saves()
    go.meanwhile = [lambda: None, lambda: saves.changed.add("alone/alone.go")]
    watched(world, saved("leaf/leaf.go"), saves=saves)
    assert go.calls == [["./..."], ["leaf", "middle"], ["alone", "leaf", "middle"]]
    assert [r.changed for r in rounds(world)] == [(), ("alone/alone.go", "leaf/leaf.go")]


def test_a_save_during_the_first_run_tests_everything(world: World) -> None:
    go, saves = Go(world, leaf=(), alone=()), Saves()
    go.meanwhile = [lambda: saves.changed.add("alone/alone.go")]
    watched(world, saves=saves)
    assert go.calls == [["./..."], ["./..."]] and len(rounds(world)) == 1


def test_a_file_that_tests_write_is_no_save(world: World) -> None:
    go, saves = Go(world, leaf=(), alone=()), Saves()
    written = lambda: saves.changed.add("leaf/testdata/golden.json")  # noqa: E731
    go.meanwhile = [lambda: None, written, written, written, written]
    watched(world, saved("leaf/leaf.go"), saved("leaf/leaf.go"), saves=saves)
    assert go.calls == [["./..."], ["leaf"], ["leaf"], ["leaf"]], (
        "once more the first time, and then not again"
    )


def test_tests_run_again_in_a_container_that_was_replaced(world: World) -> None:
    go = Go(world, leaf=())
    box = world.box()

    def replaced() -> Sequence[str]:
        found = world.of("shop")
        del world.containers[found.id]
        found.id = "new"
        world.containers[found.id] = found
        return []

    tests = Rounds(GoTestRequest(project=world.root), box, load(box, world.root))
    go.meanwhile = [lambda: None, lambda: setattr(world, "reader_left", True)]
    saves = Saves()
    saves.steps = [replaced]
    tests.run(cast("SavedFiles", saves))
    assert go.calls == [["./..."], ["./..."]]
    assert "the container of shop was replaced; testing in the new one" in [
        event.text for event in world.events if isinstance(event, Remark)
    ]


def test_a_watch_waits_for_the_dev_container(world: World) -> None:
    go = Go(world, leaf=())
    found = world.of("shop")

    def away() -> None:
        found.state, back = "exited", world.now + 5

        def meanwhile() -> None:
            found.state = "running" if world.now > back else "exited"

        world.meanwhile = meanwhile

    go.meanwhile = [away]
    watched(world)
    assert go.calls == [["./..."], ["./..."]]
    assert "shop is not running; waiting for it to run in dev mode" in [
        e.text for e in world.events if isinstance(e, Remark)
    ]


def test_without_a_graph_every_save_tests_everything(world: World) -> None:
    go = Go(world, leaf=(), alone=())
    world.go_list = ""
    watched(world, saved("leaf/leaf.go"))
    assert go.calls == [["./..."], ["./..."]]


def test_the_result_of_a_watch_is_that_of_its_last_round(world: World) -> None:
    go = Go(world, leaf=(), alone=())
    go.broken.add("leaf")
    assert watched(world, saved("alone/alone.go"), json=True).told["command_exit_code"] == 0
    assert not [e for e in world.events if isinstance(e, LogLine)], "one event a round"


def test_ctrl_c_is_the_normal_end(world: World) -> None:
    def interrupted(words: list[str]) -> tuple[int, list[str]]:
        raise KeyboardInterrupt

    Go(world, leaf=())
    world.go_test = interrupted
    box = replace(world.box(), watcher=cast("Any", Batches()))
    assert watch_tests(GoTestRequest(project=world.root), box).exit_code == 0


# what counts as saved


class Batches:
    """A `Watcher` whose batches are steps; the folders of each watch are in `armed`."""

    def __init__(self, *steps: Callable[[], Sequence[Path]]) -> None:
        self.steps, self.armed = list(steps), list[frozenset[Path]]()
        self.idle = threading.Event()

    def batches(self, paths: Any, **how: Any) -> Any:
        self.armed.append(frozenset(how["folders"]))
        yield frozenset()
        while self.steps and not how["stop"]():
            yield frozenset(self.steps.pop(0)())
        while not how["stop"]():
            self.idle.set()
            time.sleep(0.01)
            yield frozenset()


def taken(world: World, *steps: Callable[[], Sequence[Path]]) -> tuple[frozenset[str], Batches]:
    watcher = Batches(*steps)
    box = replace(world.box(), watcher=cast("Any", watcher))
    with saved_files(box, load(box, world.root)) as found:
        until(lambda: not watcher.steps and watcher.idle.is_set())
    return found.seen(), watcher


def writing(world: World, name: str, text: str | None) -> Callable[[], Sequence[Path]]:
    def step() -> Sequence[Path]:
        world.save(name, text)
        return [world.root / name]

    return step


def test_what_is_written_again_as_it_was_is_not_saved(world: World) -> None:
    steps = [writing(world, "leaf/leaf.go", text) for text in ("a", "b", "c")]
    world.save("leaf/leaf.go", "c")
    assert taken(world, steps[0])[0] == {"leaf/leaf.go"}
    box = world.box()
    found = SavedFiles()
    for before, after in (((1, 1), (2, 1)), ((2, 1), (3, 1))):
        found.compare({"leaf": {"leaf.go": before}}, {"leaf": {"leaf.go": after}}, box, world.root)
        first, _ = found.take(), None
    assert first == frozenset()


def test_a_new_folder_is_watched(world: World) -> None:
    changed, watcher = taken(world, writing(world, "new/new.go", "package new"))
    assert changed == {"new/new.go"}
    assert world.root / "new" in watcher.armed[-1] and world.root / "new" not in watcher.armed[0]


def test_a_removed_file_is_a_change(world: World) -> None:
    world.save("leaf/leaf.go", "package leaf")
    world.save("leaf/other.go", "package leaf")
    assert taken(world, writing(world, "leaf/other.go", None))[0] == {"leaf/other.go"}


def test_what_ends_the_watch_is_raised(world: World) -> None:
    class Broken:
        def batches(self, paths: Any, **how: Any) -> Any:
            raise MachineError("gone", code="machine-limit", hint="x")

    box = replace(world.box(), watcher=cast("Any", Broken()))
    with saved_files(box, load(box, world.root)) as found, pytest.raises(DevctlError, match="gone"):
        found.seen()
