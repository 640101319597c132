"""What a person is shown of a dev container: the program's lines, and one line for each thing that happened."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Event, Following, Happened, LogLine, Recorded, Reload
from devctl.domain.command.requests import LogsRequest, UpRequest
from devctl.domain.failures.dev_log import Mark
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.log_lines import log_mark
from devctl.domain.project.state_folder import EVENTS
from devctl.errors import UsageError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.logs.follow import stream
from devctl.workflows.logs.status_and_logs import logs
from devctl.workflows.logs.told_events import WAITED, OfLog, TellOnce
from devctl.workflows.project.load import load
from devctl.workflows.screen import foreground
from tests.fakes import FakeClock, FakeProcesses, World

AT = 1_796_072_260
SAID = (
    "devctl: the container started",
    "devctl: build start",
    "go: downloading example.com/x v1.0.0",
    f"devctl: build ok 310ms {AT}",
    "devctl: started",
    "listening",
    "devctl: build start",
    "./main.go:3:1: undefined: x",
    f"devctl: build failed 20ms {AT + 60} serves",
    "building...",
    "devctl: build start",
    f"devctl: build ok 410ms {AT + 120} serves",
    "devctl: restarted",
    "panic: no way",
    "devctl: the program exited with code 2",
)
OWN = ("listening", "building...", "panic: no way")


def running(*said: str) -> World:
    """A service whose log this is; what is not of `OWN` has its mark."""
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    world.events.clear()
    assert world.container is not None
    mark = log_mark(str(world.root), world.container.service)
    world.container.log = [line if line in OWN else f"{mark} {line}" for line in said]
    return world


def shown(world: World) -> list[Event]:
    """But for the lines that only --verbose and --json have."""
    return [e for e in world.events if not isinstance(e, LogLine) or e.stream != "build"]


def program(line: str) -> LogLine:
    return LogLine("shop", "stderr", line)


def test_the_programs_lines_and_what_happened_in_their_order() -> None:
    world = running(*SAID)
    logs(LogsRequest(project=world.root), world.box())
    assert shown(world) == [
        Following(("shop",)),
        program("listening"),
        Happened("shop", "build failed", "./main.go:3:1: undefined: x", at=AT + 60),
        program("building..."),
        Happened("shop", "reloaded", ms=410, at=AT + 120),
        program("panic: no way"),
        Happened("shop", "exited", "2"),
    ]
    rest = [e.line for e in world.events if isinstance(e, LogLine) and e.stream == "build"]
    assert rest == [line for line in SAID if line not in OWN]


def test_what_a_watcher_measured_is_told_instead() -> None:
    world = running(*SAID)
    told = {"type": "event", "name": "reload", "service": "shop", "ok": True, "ms": 520, "message": ""}
    # 2026-11-30T20:59:41Z is a second after the second build
    lines = [{**told, "at": "2026-11-30T20:00:00.000Z", "ms": 1}, {**told, "at": "2026-11-30T20:59:41.000Z"}]
    world.save(".devctl/events.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    logs(LogsRequest(project=world.root), world.box())
    assert Reload("shop", ok=True, ms=520) in world.events
    assert not [e for e in world.events if isinstance(e, Happened) and e.what == "reloaded"]
    world.events.clear()
    logs(LogsRequest(project=world.root, json=True), world.box())
    assert [json.loads(e.line) for e in world.events if isinstance(e, Recorded)] == lines
    for tail in (0, 1, 9):
        world.events.clear()
        logs(LogsRequest(project=world.root, json=True, tail=tail), world.box())
        told_last = [json.loads(e.line) for e in world.events if isinstance(e, Recorded)]
        assert told_last == lines[max(0, len(lines) - tail) :]


@pytest.mark.parametrize(
    ("tail", "since", "flags"),
    [
        (None, "10m", ["--since", "1796072100.000000"]),
        (0, "10m", ["--tail", "0", "--since", "1796072100.000000"]),
        (2, "2026-11-30T00:00:01Z", ["--since", "2026-11-30T00:00:09.0Z"]),
        (2, "2026-11-30T00:00:12Z", ["--since", "1795996812.000000"]),
    ],
)
def test_the_later_of_two_beginnings_counts(
    monkeypatch: pytest.MonkeyPatch, tail: int | None, since: str, flags: list[str]
) -> None:
    world = running(*SAID)
    world.now = AT + 440.0
    assert world.container is not None
    stamped = [f"2026-11-30T00:00:{second:02}.0Z {line}" for second, line in enumerate(world.container.log)]
    asked: list[list[str]] = []
    run, follow = FakeProcesses.run, FakeProcesses.follow

    def recorded(self: FakeProcesses, argv: Any, **how: Any) -> Any:
        return Finished(0, "\n".join(stamped), "") if "--timestamps" in argv else run(self, argv, **how)

    def followed(self: FakeProcesses, argv: Any, **how: Any) -> Any:
        asked.append([*argv])
        return follow(self, argv, **how)

    monkeypatch.setattr(FakeProcesses, "run", recorded)
    monkeypatch.setattr(FakeProcesses, "follow", followed)
    logs(LogsRequest(project=world.root, tail=tail, since=since), world.box())
    assert [argv[2 : argv.index("--")] for argv in asked] == [flags]


@pytest.mark.follows("devctl logs --since 10m")
def test_a_time_that_is_none_is_refused_with_one_that_is() -> None:
    world = running(*SAID)
    with pytest.raises(UsageError, match="is not a time") as refused:
        logs(LogsRequest(project=world.root, since="yesterday"), world.box())
    words = refused.value.problem.hint.split()
    assert words[:3] == ["devctl", "logs", "--since"]
    assert logs(LogsRequest(project=world.root, since=words[3]), world.box()).exit_code == 0


def test_events_of_the_watcher_from_then_on_are_told_in_json() -> None:
    world = running(*SAID)
    lines = [
        json.dumps({"type": "event", "name": "reload", "at": f"2026-11-30T00:0{n}:00.000Z", "service": "shop", "ok": True,
                    "ms": n, "message": ""})
        for n in range(4)
    ]  # fmt: skip
    world.files[world.root / ".devctl" / EVENTS] = "".join(f"{line}\n" for line in lines)
    logs(LogsRequest(project=world.root, json=True, since="2026-11-30T00:02:00Z"), world.box())
    assert [json.loads(e.line)["ms"] for e in shown(world) if isinstance(e, Recorded)] == [2, 3]


def test_without_a_mark_all_is_shown_as_it_is() -> None:
    world = running()
    assert world.container is not None
    world.container.log = [*SAID]
    logs(LogsRequest(project=world.root), world.box())
    assert shown(world) == [Following(("shop",)), *map(program, SAID)]


@pytest.mark.parametrize(("cut", "all_of_it"), [(False, []), (True, ["--tail", "4"])])
def test_the_last_lines_are_those_of_the_program(
    monkeypatch: pytest.MonkeyPatch, cut: bool, all_of_it: list[str]
) -> None:
    """`cut`: the lines are so long that not all of what was asked for is read: then it is not the whole log either."""
    world = running(*SAID)
    assert world.container is not None
    stamped = [f"2026-11-30T00:00:{second:02}.0Z {line}" for second, line in enumerate(world.container.log)]
    asked: list[list[str]] = []
    run, follow = FakeProcesses.run, FakeProcesses.follow

    def recorded(self: FakeProcesses, argv: Any, **how: Any) -> Any:
        if "--timestamps" not in argv:
            return run(self, argv, **how)
        return Finished(0, "\n".join(stamped[:7]), "\n".join(stamped[7:]), cut=cut)

    def followed(self: FakeProcesses, argv: Any, **how: Any) -> Any:
        asked.append([*argv])
        return follow(self, argv, **how)

    monkeypatch.setattr(FakeProcesses, "run", recorded)
    monkeypatch.setattr(FakeProcesses, "follow", followed)
    for tail in (0, 2, 3, 4):
        logs(LogsRequest(project=world.root, tail=tail), world.box())
    assert [argv[2 : argv.index("--")] for argv in asked] == [
        ["--tail", "0"],
        ["--since", "2026-11-30T00:00:09.0Z"],
        ["--since", "2026-11-30T00:00:05.0Z"],
        all_of_it,
    ]


@pytest.mark.parametrize("watch", [False, True])
def test_the_foreground_shows_the_same_and_tells_no_reload_twice(
    monkeypatch: pytest.MonkeyPatch, watch: bool
) -> None:
    world = running(*SAID)
    seen = threading.Event()

    def done() -> bool:
        return any(isinstance(e, Happened) and e.what == "exited" for e in world.events)

    class Clock(FakeClock):
        """Somebody detaches when all is shown."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if done() and threading.current_thread() is threading.main_thread():
                world.press("d")

    monkeypatch.setattr(foreground, "watch", lambda box, project, **how: seen.set())
    box = replace(world.box(), clock=Clock(world))
    project = load(box, world.root)
    request = UpRequest(project=world.root, watch=watch)
    foreground.stay(request, box, project, foreground.Outcome(text="ready"))
    told = [e for e in shown(world) if isinstance(e, LogLine | Happened)]
    happened = [e.what for e in told if isinstance(e, Happened)]
    assert [e.line for e in told if isinstance(e, LogLine)] == [*OWN]
    # Without a watcher in this process the last of them is reported once nobody else has: when the log is left.
    assert happened == ["exited"] if watch else sorted(happened) == ["exited", "reloaded"]
    assert seen.is_set() == watch


def test_a_container_that_is_started_again_is_followed_again() -> None:
    world = running("listening")
    api = world.container
    assert api is not None
    rounds = iter(range(60))

    def stop() -> bool:
        number = next(rounds, None)
        if number == 30:
            api.starts += 1
        return number is None

    class Ends(FakeProcesses):
        @contextlib.contextmanager
        def follow(self, argv: Any, **how: Any) -> Iterator[Callable[[], bool]]:
            with super().follow(argv, **how):
                yield lambda: False

    box = replace(world.box(), processes=Ends(world))
    stream(box, load(box, world.root), (), tail=None, stop=stop)
    assert shown(world).count(program("listening")) == 2


def teller(*, since: float = 0.0, watched: bool = False) -> tuple[TellOnce, list[Event], list[float]]:
    told: list[Event] = []
    now = [1000.0]
    return TellOnce(told.append, lambda: now[0], since, watched=watched), told, now


RELOADED = Happened("shop", "reloaded", ms=300, at=999)


def test_a_reload_is_told_by_the_watcher_and_only_where_it_does_not_by_the_log() -> None:
    once, told, now = teller()
    once.by_log(RELOADED)
    once.waited()
    once.by_watcher(Reload("shop", ok=True, ms=400))
    assert told == [Reload("shop", ok=True, ms=400)]
    once.by_log(RELOADED)
    now[0] += WAITED
    once.waited()
    once.by_watcher(Reload("shop", ok=True, ms=4000))
    assert told[1:] == [RELOADED], "told before the watcher did"
    once.by_watcher(Reload("shop", ok=True, ms=500))
    assert told[2:] == [Reload("shop", ok=True, ms=500)]


def test_what_was_before_is_told_at_once_and_what_this_process_watches_not_at_all() -> None:
    once, told, _ = teller(since=math.inf)
    once.by_log(RELOADED)
    assert told == [RELOADED]
    once, told, _ = teller(watched=True)
    once.by_log(RELOADED)
    once.end()
    assert told == []


def test_what_devctl_leaves_undone_is_said() -> None:
    said = "devctl: the program writes a watched file each time it starts, and is not restarted for it: ./a "
    world = running("devctl: build start", said, "devctl: build unchanged 20ms")
    logs(LogsRequest(project=world.root), world.box())
    assert shown(world)[1:] == [Happened("shop", "noted", said.removeprefix("devctl: ").rstrip())]


def test_a_first_start_is_not_a_reload() -> None:
    log = OfLog("shop")
    kinds = [*map(Mark, ("build.started", "build.ok", "app.started"))]  # type: ignore[arg-type]
    assert [e for mark in kinds for e in log.of(mark)] == []
    assert [e.what for mark in kinds for e in log.of(mark)] == ["reloaded"], "it ran, and was saved"
    again = [Mark("container.started"), *kinds]
    assert [e for mark in again for e in log.of(mark)] == [], "devctl restart"
