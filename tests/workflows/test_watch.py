"""The watcher's loop on a scripted watcher: when it looks, when it tries again, what it watches, and the reloads it tells."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Alert, Building, DepsRebuilt, LogLine, Reload
from devctl.domain.command.requests import UpRequest, WatchRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.state_folder import (
    EVENTS,
    TRIAL,
    FileEventsNote,
    ServingNote,
    air_toml_copy,
    dockerfile_copy,
    served_go_mod,
)
from devctl.workflows.dev import reload_events as following
from devctl.workflows.dev import watch as watching
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.dev.reload_events import follow_reloads
from devctl.workflows.dev.watch import watch, watched_paths
from devctl.workflows.project.load import load
from tests.fakes import FakeFiles, FakeProcesses, World, go_mod

Step = Callable[[], frozenset[Path]]


class Script:
    """A `Watcher` that plays steps, each a batch; when they are over the watch ends. Counts how often it was armed."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.armed: list[frozenset[Path]] = []
        self.at_once: Callable[[frozenset[Path]], bool] = lambda changed: False
        self.on_poll: Callable[[str], None] = lambda reason: None
        self.poll = False

    def stop(self) -> bool:
        return not self.steps and bool(self.armed)

    def batches(self, paths: Iterable[Path], **how: Any) -> Iterator[frozenset[Path]]:
        self.armed.append(frozenset(paths))
        self.at_once, self.on_poll, self.poll = how["at_once"], how["on_poll"], how["poll"]
        yield frozenset()
        while self.steps:
            yield self.steps.pop(0)()


@pytest.fixture
def world() -> World:
    made = World()
    up(UpRequest(project=made.root, detach=True, watch=False), made.box())
    made.events.clear()
    return made


@pytest.fixture(autouse=True)
def _no_followers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "TICK", 0.005)
    monkeypatch.setattr(watching, "follow_reloads", lambda *args, **how: None)


def run(world: World, *steps: Step) -> Script:
    script = Script(*steps)
    box = replace(world.box(), watcher=cast("Any", script))
    # One more batch than steps is read: the loop ends when it needs the next and there is none.
    script.steps.append(frozenset)
    watch(box, load(box, world.root), stop=script.stop)
    return script


def saved(world: World, text: str) -> Step:
    def step() -> frozenset[Path]:
        world.save("go.mod", text)
        return frozenset({world.root / "go.mod"})

    return step


def test_what_changed_before_the_watch_was_armed_counts(world: World) -> None:
    world.save("go.mod", go_mod("a"))
    run(world)
    assert world.served == (go_mod("a"), "v1")


def test_each_batch_is_compared_with_what_runs(world: World) -> None:
    run(world, saved(world, go_mod("a")), saved(world, go_mod("a")), saved(world, go_mod("a", "b")))
    assert world.served == (go_mod("a", "b"), "v1")
    assert len([e for e in world.events if isinstance(e, DepsRebuilt)]) == 2


def test_an_engine_that_went_away_is_asked_again_later(world: World) -> None:
    def away() -> frozenset[Path]:
        world.fault = "gone-at-build"
        return saved(world, go_mod("a"))()

    def later() -> frozenset[Path]:
        world.now += watching.AGAIN + 1
        return frozenset()

    run(world, away, frozenset, later)
    assert world.served == (go_mod("a"), "v1")
    assert [e.line for e in world.events if isinstance(e, LogLine)] == [
        "watcher: the connection to the Docker engine was lost"
    ]


def test_events_that_could_not_be_tried_are_tried_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [None, None, True, False]
    monkeypatch.setattr(watching, "try_once", lambda *args: answers.pop(0))

    def later(seconds: float) -> Step:
        def step() -> frozenset[Path]:
            world.now += seconds
            return frozenset()

        return step

    run(world, later(5), later(6), later(11), later(10), later(100))
    assert answers == [False], "at once, after 10 s, after 20 s more; then it is known"
    assert [w.code for w in world.warnings] == ["watch-polls"]


@pytest.mark.parametrize(
    "name", [EVENTS, ServingNote.file, FileEventsNote.file, served_go_mod("shop"), TRIAL]
)
def test_a_link_in_place_of_a_file_that_only_tells_something_keeps_no_change_back(
    world: World, name: str
) -> None:
    world.planted.add(name)
    run(world, saved(world, go_mod("a")))
    assert world.served == (go_mod("a"), "v1")
    assert {w.code for w in world.warnings} == {"state-folder-unsafe"}


@pytest.mark.parametrize("name", [dockerfile_copy("shop"), air_toml_copy("shop")])
def test_a_link_in_place_of_another_file_ends_no_watcher(world: World, name: str) -> None:
    def removed() -> frozenset[Path]:
        world.planted.clear()
        return saved(world, go_mod("a", "b"))()

    world.planted.add(name)
    run(world, saved(world, go_mod("a")), removed)
    assert world.served == (go_mod("a", "b"), "v1")


def test_a_set_of_paths_that_changed_is_watched_again(world: World) -> None:
    local = go_mod(word="replace example.com/lib => ./lib")
    script = run(world, saved(world, local))
    assert len(script.armed) == 2
    assert world.root / "lib/go.mod" in script.armed[1] - script.armed[0]


def test_what_may_start_at_once(world: World) -> None:
    script = run(world)
    mod, compose = world.root / "go.mod", world.root / "compose.yaml"
    assert script.at_once(frozenset({mod}))
    assert not script.at_once(frozenset({mod, compose}))
    world.save("go.mod", go_mod("a"))  # its sum is still to come
    assert not script.at_once(frozenset({mod}))
    world.save("go.sum", "example.com/a v1.0.0 h1:x=\n")
    assert script.at_once(frozenset({mod, world.root / "go.sum"}))
    world.save("go.mod", go_mod("a", word="require ("))
    assert not script.at_once(frozenset({mod}))


def test_polling_for_want_of_inotify_is_said(world: World) -> None:
    run(world).on_poll("Too many open files")
    assert world.warnings[-1].code == "watch-polls"
    assert "max_user_instances" in world.warnings[-1].hint
    assert any(isinstance(e, LogLine) and "Too many open files" in e.line for e in world.events)


def test_every_input_but_the_source_is_watched(world: World) -> None:
    project = replace(load(world.box(), world.root), watch_also=("deploy/schema.sql",))
    names = {str(p.relative_to(world.root)) for p in watched_paths(world.box().files, project)}
    assert {
        "go.mod",
        "go.sum",
        "vendor/modules.txt",
        ".air.toml",
        ".dockerignore",
        "compose.yaml",
        ".env",
    } <= names
    assert {"devctl.yaml", "compose.override.yaml", "deploy/schema.sql"} <= names
    assert "main.go" not in names


def test_what_the_compose_files_name_is_watched_too(world: World) -> None:
    world.compose({"app": {"build": ".", "env_file": "app.env"}})
    said = json.loads(world.files[world.root / "compose.yaml"])
    world.save("compose.yaml", json.dumps({**said, "include": ["deploy/db.yaml"]}))
    world.save("deploy/db.yaml", "{}")
    project = load(world.box(), world.root)
    names = {path.relative_to(world.root).as_posix() for path in watched_paths(world.box().files, project)}
    assert {"app.env", "deploy/db.yaml"} <= names


def test_what_an_input_is_a_link_to_is_watched_too(world: World) -> None:
    world.compose({"app": {"build": "."}})
    world.save("conf/dev.yaml", world.files[world.root / "compose.yaml"])
    world.links |= {
        str(world.root / "compose.yaml"): str(world.root / "conf/dev.yaml"),
        str(world.root / ".env"): "/elsewhere/.env",
    }
    project = load(world.box(), world.root)
    watched = watched_paths(world.box().files, project)
    assert world.root / "conf/dev.yaml" in watched
    assert all(path.is_relative_to(world.root) for path in watched)


class Log(FakeProcesses):
    """`docker logs --follow` whose lines are played; ends after them."""

    def __init__(self, world: World, lines: list[str]) -> None:
        super().__init__(world)
        self.lines = lines
        self.played = threading.Event()
        self.since = list[str]()

    @contextlib.contextmanager
    def follow(self, argv: Any, *, on_line: Callable[[str, str], None]) -> Iterator[Callable[[], bool]]:
        self.since.append(argv[argv.index("--since") + 1])
        for line in self.lines:
            on_line("stderr", f"{line}\n")
        left = [True] * (len(self.lines) + 1)
        yield lambda: bool(left) and left.pop()
        self.played.set()


def reloads(world: World, *lines: str) -> list[tuple[bool, str]]:
    log = Log(world, list(lines))
    box: Toolbox = replace(world.box(), processes=cast("Any", log))
    project = load(box, world.root)
    follow_reloads(box, lambda: project, project.services[0].name, stop=log.played.is_set)
    return [(e.ok, e.message) for e in world.events if isinstance(e, Reload)]


GOOD = ("devctl: build start", "devctl: build ok 5ms", "devctl: restarted")
BAD = ("devctl: build start", "./main.go:3:1: undefined: x", "devctl: build failed 5ms")


def test_a_good_build_is_one_reload_when_it_answers(world: World) -> None:
    assert reloads(world, *GOOD) == [(True, "")]


def test_what_was_saved_while_the_watcher_started_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` is done as soon as the lock is held; on a busy machine a build may be over before its log is read."""
    script, told, began = Script(), list[float](), world.now
    box = replace(world.box(), watcher=cast("Any", script))
    real = watching.holding

    def slowly(*args: Any) -> Any:
        world.now += 5
        return real(*args)

    monkeypatch.setattr(watching, "holding", slowly)
    monkeypatch.setattr(watching, "still_mine", lambda *_: not script.stop())
    monkeypatch.setattr(watching, "follow_reloads", lambda *args, **how: told.append(how["since"]))
    watching.watch_daemon(WatchRequest(project=world.root), box)
    assert told == [began]

    log = Log(world, [])
    box = replace(world.box(), processes=cast("Any", log))
    project = load(box, world.root)
    follow_reloads(box, lambda: project, "shop", stop=log.played.is_set, since=began)
    assert log.since == [f"{began:.6f}"]


def test_what_starts_later_is_read_from_then_on(world: World) -> None:
    log = Log(world, [])
    box: Toolbox = replace(world.box(), processes=cast("Any", log))
    project, container = load(box, world.root), world.container
    assert container is not None
    container.state, begin = "exited", world.now
    looks = iter([False, True])

    class Engine:
        def containers(self, name: str) -> Any:
            container.state = "running" if next(looks, True) else "exited"
            return world.box().engine.containers(name)

    box = replace(box, engine=cast("Any", Engine()))
    follow_reloads(box, lambda: project, "shop", stop=log.played.is_set, since=begin - 60)
    assert [float(since) >= begin for since in log.since] == [True]


def test_one_that_began_before_it_was_followed_is_timed_by_its_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFiles, "go_files", lambda _, root: [("main.go", world.now - 2)])
    reloads(world, *GOOD[1:])
    assert [e.ms for e in world.events if isinstance(e, Reload)] == [2000]


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_clock_that_was_set_makes_no_reload_of_an_hour(
    world: World, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    saves = itertools.count()
    monkeypatch.setattr(
        FakeFiles, "go_files", lambda _, root: [("main.go", world.now + ahead + next(saves) / 1000)]
    )
    reloads(world, *GOOD)
    assert [e.ms for e in world.events if isinstance(e, Reload)] == [0]


def test_a_saved_template_is_not_as_old_as_the_last_saved_go_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFiles, "go_files", lambda _, root: [("main.go", world.now - 30)])
    reloads(world, *GOOD)
    assert [e.ms for e in world.events if isinstance(e, Reload)] == [0]


def test_a_build_begins_and_ends_for_the_status_line(world: World) -> None:
    reloads(world, *GOOD, *BAD, "devctl: build start")
    assert [e.begun for e in world.events if isinstance(e, Building)] == [True, False] * 3


def test_a_stage_of_the_users_own_tells_it_in_airs_words(world: World) -> None:
    stock = ("devctl: build start", "devctl: build ok 5ms", "running...", "Process Exit with Code: 0")
    assert reloads(world, *stock) == [(True, "")]


def test_a_save_that_makes_the_same_binary_is_told_as_served(world: World) -> None:
    """It may be what takes back a save that did not compile."""
    unchanged = ("devctl: build start", "devctl: build unchanged 5ms")
    assert reloads(world, *BAD, *unchanged) == [(False, "./main.go:3:1: undefined: x"), (True, "unchanged")]


def test_a_failed_build_is_told_once_with_the_compilers_words(world: World) -> None:
    assert reloads(world, *BAD) == [(False, "./main.go:3:1: undefined: x")]


def test_a_reload_that_failed_rings_where_devctl_yaml_asks_for_it(world: World) -> None:
    assert reloads(world, *BAD) and not [e for e in world.events if isinstance(e, Alert)]
    world.save("devctl.yaml", "watch: {alert: bell}\n")
    world.events.clear()
    assert reloads(world, *BAD, *GOOD) and len([e for e in world.events if isinstance(e, Alert)]) == 1


def test_a_save_that_air_builds_twice_is_told_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.FakeFiles.go_files", lambda self, root: [("main.go", 5.0)])
    assert len(reloads(world, *BAD, *BAD)) == 1


def test_a_process_that_ends_at_start_did_not_reload(world: World) -> None:
    assert world.container is not None
    world.container.mute = True
    told = reloads(world, *GOOD, "devctl: the program exited with code 3")
    assert told == [(False, "shop exited at startup: exit code 3")]


def test_a_panic_at_start_is_told_in_its_words(world: World) -> None:
    assert world.container is not None
    world.container.mute = True
    assert reloads(world, *GOOD, "panic: no way") == [(False, "shop exited at startup: panic: no way")]


def test_one_that_never_answers_is_said_to(world: World) -> None:
    assert world.container is not None
    world.container.mute = True

    def answers(self: object, host: str, port: int, *, timeout: float) -> bool:
        world.now += 1
        return False

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("tests.fakes.FakeProber.tcp", answers)
        assert reloads(world, *GOOD) == [(False, "shop does not answer on http://127.0.0.1:8080")]


def test_code_that_is_saved_after_a_failure_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Callable[[], None]] = []
    monkeypatch.setattr(watching, "follow_reloads", lambda *args, **how: told.append(how["saved"]))
    world.save_source("v2 b")  # the container serves v1 still

    def fixed() -> frozenset[Path]:
        world.save("main.go", "v3")
        told[0]()
        return frozenset()

    run(world, saved(world, go_mod("a")), frozenset, fixed)
    assert world.served == (go_mod("a"), "v3")


@pytest.mark.parametrize(("to", "looks"), [("cmd/shop/main.go", 2), ("other.go", 1)])
def test_code_that_moves_to_another_folder_may_be_another_program(
    world: World, monkeypatch: pytest.MonkeyPatch, to: str, looks: int
) -> None:
    told: list[Callable[[], None]] = []
    looked: list[object] = []
    monkeypatch.setattr(watching, "follow_reloads", lambda *args, **how: told.append(how["saved"]))
    monkeypatch.setattr(watching, "catch_up", lambda box, known: (looked.append(known) or known, False))

    def moved() -> frozenset[Path]:
        world.save(to, world.source)
        world.save("main.go", None)
        told[0]()
        return frozenset()

    run(world, frozenset, moved, frozenset, frozenset)
    assert len(looked) == looks


def test_a_save_in_another_module_of_the_project_is_the_moment_of_the_save(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_at = {world.root / "svc": world.now - 3600, world.root / "libs/greet": world.now}
    monkeypatch.setattr(FakeFiles, "go_files", lambda _, root: [("x.go", saved_at[root])])
    log = Log(world, list(GOOD))
    box: Toolbox = replace(world.box(), processes=cast("Any", log))
    project = load(box, world.root)
    source = replace(project.services[0].source, dir="svc", packages=("svc", "svc/web", "libs/greet"))
    project = replace(project, services=(replace(project.services[0], source=source),))
    follow_reloads(box, lambda: project, project.services[0].name, stop=log.played.is_set)
    [reload] = [e for e in world.events if isinstance(e, Reload)]
    assert reload.ms < 60_000
