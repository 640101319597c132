"""How long a service is waited for: the time that its first build takes in the container is not its fault."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.domain.command.events import Remark
from devctl.domain.command.requests import UpRequest
from devctl.domain.failures.dev_log import DevLog, Mark
from devctl.domain.failures.listeners import Listener
from devctl.errors import ProjectError
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.project.load import load
from devctl.workflows.ready.wait import COMPILE_TIMEOUT, STAYS_UP, following, wait_ready
from tests.fakes import FakeProcesses, World


class Log(FakeProcesses):
    """`docker logs --follow` whose lines come at their second, and a service that answers from a second on."""

    def __init__(self, world: World, lines: dict[float, str], answers_at: float) -> None:
        super().__init__(world)
        self.world, self.lines, self.answers_at = world, dict(lines), answers_at
        self.began = world.now

    @property
    def seconds(self) -> float:
        return self.world.now - self.began

    @contextlib.contextmanager
    def follow(self, argv: Any, *, on_line: Callable[[str, str], None]) -> Iterator[Callable[[], bool]]:
        self.say = on_line
        yield lambda: True

    def http(self, url: str, *, timeout: float) -> int | None:
        return 200 if self.tcp("", 0, timeout=timeout) else None

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        self.tell()
        return self.seconds >= self.answers_at

    def tell(self) -> None:
        for second in sorted(self.lines):
            if self.seconds >= second:
                self.say("stderr", f"{self.lines.pop(second)}\n")

    def sleep(self, seconds: float) -> None:
        self.world.now += 1
        self.tell()


def slow(lines: dict[float, str], answers_at: float) -> tuple[World, Log, Any, Any]:
    """A service that is up, with this log from now on."""
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    log = Log(world, lines, answers_at)
    clock = cast("Any", SimpleNamespace(monotonic=lambda: world.now, sleep=log.sleep))
    box = replace(world.box(), processes=cast("Any", log), prober=cast("Any", log), clock=clock)
    return world, log, box, load(box, world.root)


def wait(lines: dict[float, str], *, answers_at: float = 10_000, probe: str = "tcp") -> tuple[float, str]:
    """Seconds that `wait_ready` waited with a timeout of 60 s, and the code that it ended with."""
    _, log, box, project = slow(lines, answers_at)
    try:
        wait_ready(
            box,
            project.name,
            replace(project.services[0], serve=replace(project.services[0].serve, probe=probe)),
            timeout=60,
        )
    except ProjectError as error:
        return log.seconds, error.problem.code
    return log.seconds, ""


BUILT = {1.0: "devctl: build start", 300.0: "devctl: build ok 299000ms"}
LATE = {
    20.0: "devctl: the container started",
    40.0: "devctl: build start",
    340.0: "devctl: build ok 299000ms",
}
FIRST_ANOTHER = {1.0: "devctl: builds cmd/migrate first", 200.0: "devctl: built cmd/migrate"}


@pytest.mark.parametrize(
    ("lines", "probe", "answers_at", "seconds", "code"),
    [
        ({}, "tcp", 30, 30, ""),
        (BUILT, "tcp", 320, 320, ""),
        ({}, "tcp", 10_000, 60, "never-answers"),
        (BUILT, "tcp", 10_000, 360, "never-answers"),
        ({1.0: "devctl: build start"}, "tcp", 10_000, 1 + COMPILE_TIMEOUT, "never-answers"),
        (BUILT, "none", 10_000, 300 + STAYS_UP, ""),  # no port: it stays up, once it is built
        (LATE, "none", 10_000, 340 + STAYS_UP, ""),
        ({20.0: "devctl: the container started", 30.0: "devctl: started"}, "none", 10_000, 30 + STAYS_UP, ""),
        ({}, "none", 10_000, 60, "never-answers"),
        (FIRST_ANOTHER, "tcp", 250, 250, ""),  # `migrate up && serve`
        (FIRST_ANOTHER, "tcp", 10_000, 260, "never-answers"),
    ],
)
def test_the_build_in_the_container_does_not_count(
    lines: dict[float, str], probe: str, answers_at: float, seconds: float, code: str
) -> None:
    waited, ended = wait(lines, probe=probe, answers_at=answers_at)
    assert ended == code
    assert seconds <= waited <= seconds + 2


@pytest.mark.parametrize(
    ("lines", "notes"), [(BUILT, 1), ({1.0: "devctl: build start", 3.0: "devctl: build ok"}, 0), ({}, 0)]
)
def test_a_long_build_is_told_once(lines: dict[float, str], notes: int) -> None:
    world, _, box, project = slow(lines, max(lines, default=1) + 10)
    wait_ready(
        box,
        project.name,
        replace(project.services[0], serve=replace(project.services[0].serve, probe="tcp")),
        timeout=60,
    )
    assert len([e for e in world.events if isinstance(e, Remark)]) == notes


def test_a_script_that_goes_on_to_the_next_program_has_one_alive() -> None:
    """`app migrate`, which has ended without a word, then `app serve`, which exits."""
    started = ("devctl: the container started", "devctl: started")
    lines = dict(enumerate((*started, *started, "devctl: the program exited with code 1"), 1))
    seconds, code = wait({float(at): line for at, line in lines.items()})
    assert (seconds <= 10, code) == (True, "exits-at-start")


ENDS = {1.0: "devctl: build start", 2.0: "devctl: build ok 9ms", 2.1: "devctl: started"}
NOWHERE, GUESSED = {"port": "no listen call found"}, {"port": "cmd/api/main.go:8"}


@pytest.mark.parametrize(
    ("service", "code", "ended"),
    [
        ({"port": None, "origins": NOWHERE}, 0, ""),
        ({"port": None, "origins": NOWHERE}, 3, "exits-at-start"),
        (
            {"port": None, "origins": {"port": "main.go:3 listens, but no file says where"}},
            0,
            "exits-at-start",
        ),
        ({"origins": GUESSED, "args": ("migrate",)}, 0, ""),
        ({"origins": GUESSED, "args": ("migrate",)}, 1, "exits-at-start"),
        ({"origins": GUESSED}, 0, "exits-at-start"),
        ({"origins": {"port": "compose.yaml:9"}, "args": ("migrate",)}, 0, "exits-at-start"),
    ],
)
def test_what_listens_nowhere_and_exits_with_0_is_a_job_that_is_done(
    service: dict[str, Any], code: int, ended: str
) -> None:
    world, _, box, project = slow({**ENDS, 5.0: f"devctl: the program exited with code {code}"}, 10_000)
    first = project.services[0]
    found = replace(
        first,
        origins=service["origins"],
        start=replace(first.start, args=service.get("args", ())),
        serve=replace(first.serve, port=service.get("port", first.serve.port)),
    )
    if ended:
        with pytest.raises(ProjectError) as caught:
            wait_ready(box, project.name, found, timeout=60)
        assert caught.value.problem.code == ended and f"exited with code {code}" in str(caught.value)
    else:
        wait_ready(box, project.name, found, timeout=60)
    told = [e.text for e in world.events if isinstance(e, Remark)]
    assert any("has finished (exit code 0)" in text for text in told) == (not ended)


class Swallowing(Log):
    """The first requests hang for as long as they may, then nobody is there for some, then it answers in `slow` seconds."""

    def __init__(self, world: World, *, swallowed: int, refused: int = 0, slow: float = 0) -> None:
        super().__init__(world, {}, 0)
        self.swallowed, self.refused, self.slow = swallowed, refused, slow
        self.patience: list[float] = []

    def tcp(self, host: str, port: int, *, timeout: float) -> bool:
        self.patience.append(timeout)
        self.swallowed, swallowed = self.swallowed - 1, self.swallowed > 0
        if swallowed or (not self.refused and timeout <= self.slow):
            self.world.now += timeout
            return False
        self.refused, refused = max(0, self.refused - 1), self.refused > 0
        return not refused


@pytest.mark.parametrize(
    ("swallowed", "refused", "slow", "patience"),
    [
        (0, 0, 0, [0.1]),
        (2, 0, 0, [0.1, 0.2, 0.4]),
        (1, 3, 0, [0.1, 0.2, 0.2, 0.2, 0.2]),  # a refusal comes at once and says nothing about patience
        (0, 0, 1.0, [0.1, 0.2, 0.4, 0.8, 1.6]),
        (7, 0, 0, [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]),
    ],
)
def test_a_request_that_is_swallowed_is_asked_again_soon_and_a_slow_service_is_given_its_time(
    swallowed: int, refused: int, slow: float, patience: list[float]
) -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    prober = Swallowing(world, swallowed=swallowed, refused=refused, slow=slow)
    box = replace(world.box(), processes=cast("Any", prober), prober=cast("Any", prober))
    project = load(box, world.root)
    wait_ready(
        box,
        project.name,
        replace(
            project.services[0],
            serve=replace(project.services[0].serve, probe="tcp"),
        ),
        timeout=60,
    )
    assert prober.patience == pytest.approx(patience)


@pytest.mark.parametrize(
    ("served", "listens", "seconds", "code"),
    [
        # It listens on a port of its own choice instead of the one that its predecessor served on.
        ({8080}, [9000], 10, "other-port"),
        ({8080, 9100}, [9000, 9100], 10, "other-port"),
        # A helper's port that was open then too: the probed one may still open.
        ({8080, 9100}, [9100], 60, "never-answers"),
        # Nothing is known of a predecessor, or it did not listen there either.
        (set(), [9000], 60, "never-answers"),
        ({7000}, [9000], 60, "never-answers"),
    ],
)
def test_one_that_listens_elsewhere_than_its_predecessor_is_not_waited_for(
    served: set[int], listens: list[int], seconds: float, code: str
) -> None:
    _, log, box, project = slow({}, answers_at=10_000)
    service = replace(project.services[0], serve=replace(project.services[0].serve, port=8080, probe="tcp"))
    found = [Listener(port, local=False) for port in listens]
    with pytest.raises(ProjectError) as error:
        wait_ready(box, project.name, service, timeout=60, beside=lambda _: found, served=frozenset(served))
    assert error.value.code == code
    assert log.seconds <= seconds + 5, log.seconds


def test_where_it_listened_once_is_no_longer_held_against_it() -> None:
    """One look that finds it elsewhere says nothing yet."""
    _, _, box, project = slow({}, answers_at=10_000)
    service = replace(project.services[0], serve=replace(project.services[0].serve, port=8080, probe="tcp"))
    looks = iter([[9000], [9001], [9000], [9001]])

    def moving(_: Any) -> list[Listener]:
        return [Listener(port, local=False) for port in next(looks, [8080])]

    with pytest.raises(ProjectError) as error:
        wait_ready(box, project.name, service, timeout=60, beside=moving, served=frozenset({8080}))
    assert error.value.code == "never-answers"


def test_the_two_streams_of_a_log_are_heard_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    up(UpRequest(project=world.root, detach=True, watch=False), world.box())
    both, met = threading.Barrier(2), list[str]()

    def hear(self: DevLog, stream: str, text: str) -> Iterator[Mark]:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)
            met.append(stream)
        yield Mark("app.started")

    monkeypatch.setattr(DevLog, "hear", hear)
    log = Log(world, {}, 0)
    (container,) = world.box().engine.containers("shop").containers
    with following(cast("Any", log), container, since="") as heard:
        readers = [threading.Thread(target=log.say, args=(name, "x\n")) for name in ("stdout", "stderr")]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert (met, heard.marks.qsize()) == ([], 2)
