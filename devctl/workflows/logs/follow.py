"""Follow the output of a project's containers, and of its background watcher."""

from __future__ import annotations

import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Literal, cast

from msgspec import Struct, field

from devctl.domain.command.argv import docker
from devctl.domain.command.events import Event, Following, LogLine, Recorded
from devctl.domain.command.requests import LogsRequest
from devctl.domain.failures.dev_log import DevLog, Mark
from devctl.domain.plan.engine_state import Container, Observed
from devctl.domain.ports.state_folder import Position
from devctl.domain.ports.toolbox import Running, Toolbox
from devctl.domain.project.log_lines import LogLines, Said
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import EVENTS
from devctl.workflows.logs.recorded_events import recorded_at, recorded_event, told_to_people
from devctl.workflows.logs.told_events import OfLog, TellOnce
from devctl.workflows.session.name_conflict import own_containers

LOOK = 1.0
"""Seconds between two looks for new containers."""
MARGIN = 100
"""Lines of a reloader that are expected among the last lines of a program."""
READ_AT_MOST = 32_000_000
"""Bytes from the end of a log in which the last lines of its program are searched."""


def follow_services(
    box: Toolbox, project: Project, request: LogsRequest, *, since: float | None = None
) -> None:
    """Print the containers' logs; with `follow` until Ctrl-C or until nobody reads them any more, switching to recreated
    containers. `since`: print only newer lines, in seconds since the epoch."""
    names, tail = request.services, request.tail
    if request.follow:
        # A service that prints nothing for hours would keep `logs -f | head` open until its next line.
        stream(
            box,
            project,
            names,
            tail=tail,
            since=since,
            stop=box.host.reader_left,
            json=request.json,
            pretty=request.pretty,
        )
        return
    containers = _wanted(box, project, names)
    _begin(box, project, names, pretty=request.pretty)
    recorded = _Recorded(box, project)
    told = TellOnce(box.reporter.emit, box.clock.now, math.inf, recorded.past)
    for container in containers:
        flags = _from(_last(box, container, tail), since)
        with _followed(box, container, told, flags, together=not request.json) as log:
            while log.runs():  # a log may be long, and Ctrl-C stops it
                box.clock.sleep(0.02)
    before = [line for line in recorded.before if since is None or recorded_at(line) >= since]
    for line in deque(before, maxlen=tail) if request.json else ():
        box.reporter.emit(Recorded(line))


def stream(
    box: Toolbox,
    project: Project,
    names: Sequence[str],
    *,
    tail: int | None,
    stop: Callable[[], bool],
    since: float | None = None,
    json: bool = False,
    pretty: bool = False,
    watched: bool = False,
    observe: Callable[[], Observed] | None = None,
    past: Callable[[Sequence[tuple[float, Event]]], None] = lambda events: None,
) -> None:
    """Follow until `stop`. Containers that appear later are followed from their first line on. `watched`: this process reports
    reloads itself. `observe`: how to look at the containers, each second; `past`: what a watcher reported before."""
    recorded = _Recorded(box, project)
    past(tuple(recorded.past))
    now = box.clock.now
    told = TellOnce(box.reporter.emit, now, now() - LOOK, recorded.past, watched=watched)
    looked_at = 0.0
    seen: dict[str, _Log] = {}
    _begin(box, project, names, pretty=pretty)
    with contextlib.ExitStack() as open_logs:
        while not stop():
            at = box.clock.monotonic()
            if at - looked_at >= LOOK or not looked_at:
                first, looked_at = not looked_at, at
                observed = observe() if observe else own_containers(box.files, box.engine, project)
                for container in _of_these(observed, names):
                    before = seen.get(container.id)
                    # The log of one that has not started yet ends immediately, and would not be followed once it has.
                    if container.state == "created" or (
                        before is not None and (before.run == container.started_at or before.runs())
                    ):
                        continue
                    flags = ["--since", container.log_from] if before is not None else []
                    flags = _from(_last(box, container, tail), since) if first else flags
                    log = _followed(box, container, told, ["--follow", *flags], together=not json)
                    seen[container.id] = open_logs.enter_context(log)
            for line in recorded.new() if not watched else []:
                if json:
                    box.reporter.emit(Recorded(line))
                elif (event := told_to_people(line)) is not None:
                    told.by_watcher(event[1])
            told.waited()
            box.clock.sleep(0.1)
    told.end()


def _wanted(box: Toolbox, project: Project, names: Sequence[str]) -> list[Container]:
    return _of_these(own_containers(box.files, box.engine, project), names)


def _of_these(observed: Observed, names: Sequence[str]) -> list[Container]:
    return [c for c in observed.containers if not names or c.service in names]


def _begin(box: Toolbox, project: Project, names: Sequence[str], *, pretty: bool) -> None:
    there = [c.service for c in own_containers(box.files, box.engine, project).containers]
    every = names or [*(s.name for s in project.services), *there]
    box.reporter.emit(Following(tuple(sorted({*every})), pretty))


def _last(box: Toolbox, container: Container, tail: int | None) -> Sequence[str]:
    """The point from which to read a log for the last `tail` lines of the program: what built it has lines there too."""
    mark = container.log_mark
    if tail is None:
        return ()
    if not mark or not tail:
        return ("--tail", str(tail))
    asked = tail + MARGIN
    while True:
        argv = docker("logs", "--timestamps", "--tail", str(asked), to=[container.id])
        done = box.processes.run(argv, last=READ_AT_MOST)
        lines = [line for text in (done.stdout, done.stderr) for line in text.split("\n") if line]
        theirs = sorted(
            when for when, _, text in (line.partition(" ") for line in lines) if _theirs(text, mark)
        )
        if len(theirs) >= tail:
            return ("--since", theirs[-tail])
        if done.cut:  # lines so long that they would not all be read, however many are requested
            return ("--tail", str(tail))
        if len(lines) < asked or done.code != 0:
            return ()
        asked *= 8


def _from(last: Sequence[str], since: float | None) -> list[str]:
    """The later of the two starting points, if there are two."""
    if since is None:
        return [*last]
    if last[:1] == ("--since",) and datetime.fromisoformat(last[1]).timestamp() >= since:
        return [*last]
    return [*(() if last[:1] == ("--since",) else last), "--since", f"{since:.6f}"]


def _theirs(text: str, mark: str) -> bool:
    return any(said.program for said in LogLines(mark).read("", f"{text}\n"))


class _Log(Struct):
    """The output of one run of a container; each of its two streams is read by a thread. `run`: when that run began."""

    box: Toolbox
    service: str
    run: str
    log: DevLog
    told: TellOnce
    events: OfLog
    runs: Running | Callable[[], bool] = field(default=lambda: False)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, stream: str, text: str) -> None:
        with self.turn:
            for said in self.log.hear(stream, text):
                self._tell(said)

    def end(self) -> None:
        with self.turn:
            for said in self.log.end():
                self._tell(said)

    def _tell(self, said: Said | Mark) -> None:
        if isinstance(said, Mark):
            for event in self.events.of(said) if self.log.apart else ():
                self.told.by_log(event)
            return
        stream = said.stream if said.program else "build"
        line = LogLine(self.service, cast("Literal['stdout', 'stderr', 'build']", stream), said.text)
        self.box.reporter.emit(line)


@contextlib.contextmanager
def _followed(
    box: Toolbox, container: Container, told: TellOnce, flags: Sequence[str], *, together: bool
) -> Iterator[_Log]:
    """`together`: for people, to whom the order of lines matters more than the stream of each."""
    log = DevLog(container.log_mark)
    heard = _Log(box, container.service, container.started_at, log, told, OfLog(container.service))
    argv = docker("logs", *flags, to=[container.id])
    with box.processes.follow(argv, on_line=heard.hear, together=together) as heard.runs:
        yield heard
    heard.end()


class _Recorded:
    """What the background watcher wrote since the last look; a new watcher starts a new file."""

    def __init__(self, box: Toolbox, project: Project) -> None:
        self._box, self._root = box, project.root
        self._read_to = Position()
        self.before = self.new()
        self.past = [found for line in self.before if (found := told_to_people(line)) is not None]

    def new(self) -> list[str]:
        lines, self._read_to = self._box.state.new_lines(self._root, EVENTS, self._read_to)
        return [line for line in lines if recorded_event(line) is not None]
