"""A running project, observed from separate threads: nothing is changed, and what was read is not read again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from devctl.domain.board.history import History, Moment, told
from devctl.domain.board.view import BoardLine, BoardView
from devctl.domain.command.events import Event, Happened, LogLine
from devctl.domain.command.state import Serving, State
from devctl.domain.plan.engine_state import Observed
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.preview.last_preview import LastPreview
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, Problem
from devctl.workflows.dev.watch import watched_paths
from devctl.workflows.logs.follow import stream
from devctl.workflows.logs.on_disk import differs_from_disk
from devctl.workflows.project.load import load
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.state.snapshot import snapshot

TICK = 1.0
"""Seconds between two checks of what costs nothing: the modification times of files."""
AGAIN = 15.0
"""Seconds without news until a service is probed again: each probe is a request in its log."""
RETRY = 2.0
"""Seconds until the next attempt if the engine did not answer."""
END = 3.0
TAIL = 300
"""Earlier lines of each service that are shown at the start."""
KEPT = 5_000


class ObservedProject:
    """A `Board`. `look` takes one snapshot; `observing` does the rest in the background."""

    def __init__(self, box: Toolbox, project: Project) -> None:
        # Messages of loading and looking would be drawn over the view.
        self._box = replace(box, reporter=_Silent())
        self._project = project
        self._history, self._lines = History(), deque[BoardLine](maxlen=KEPT)
        self._turn = threading.Lock()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._observed: Observed | None = None
        self._stamps: object = None
        self._disk: tuple[object, str | None] = (None, None)
        self._past: list[Event] = []
        self._left = False
        self.error: BaseException | None = None
        self._view = self.look()

    def view(self) -> BoardView:
        return self._view

    def new_lines(self) -> Sequence[BoardLine]:
        with self._turn:
            found = tuple(self._lines)
            self._lines.clear()
        return found

    def broken(self) -> bool:
        return self.error is not None or self._left

    def look(self) -> BoardView:
        """Raises DevctlError if the engine does not answer."""
        box = self._box
        stamps = self._inputs()
        if self._stamps not in (None, stamps):
            self._project = load(box, self._project.root, lenient=True)
            stamps = self._inputs()
        self._stamps = stamps
        observed = self._observed or own_containers(box.files, box.engine, self._project)
        state = snapshot(box, self._project, observed=observed)
        if state.serving.state == "current" and (other := self._on_disk(observed)) is not None:
            state = replace(state, serving=Serving("old", other))
        return self._seen(state)

    def _seen(self, state: State) -> BoardView:
        with self._turn:
            moments, go_mod = tuple(self._history.moments), self._history.go_mod
        return BoardView(
            project=self._project.name,
            state=state,
            moments=moments,
            go_mod=go_mod,
            preview=preview if (preview := self._preview()).at else None,
        )

    def _preview(self) -> LastPreview:
        return self._box.private.note(self._project.root, LastPreview)

    def _inputs(self) -> object:
        files = self._box.files
        return [(str(path), files.stamp(path)) for path in watched_paths(files, self._project)]

    def _on_disk(self, observed: Observed) -> str | None:
        """Compared again only after a file or a container has changed."""
        runs = [(c.id, c.state, c.labels) for c in observed.containers]
        holder = self._box.files.lock_holder(self._project.root)
        key = (self._stamps, runs, str(holder))
        if self._disk[0] != key:
            self._disk = (key, differs_from_disk(self._box, self._project, observed))
        return self._disk[1]

    def hear(self, event: Event) -> None:
        """From the threads that read the logs."""
        if isinstance(event, LogLine):
            if event.stream != "build":
                self._say(BoardLine(event.service, event.stream, event.line))
            return
        now = self._box.clock.now()
        if isinstance(event, Happened) and (line := _happened(event)) is not None:
            self._say(line)
        with self._turn:
            before = any(event is one for one in self._past)
            known = before or (isinstance(event, Happened) and self._history.knows(event))
            # What is already in the chart still gets its line in the log.
            moment = (History() if known else self._history).hear(now, event)
        if moment is not None:
            self._say(_line_of(moment))
        self._wake.set()

    def remember(self, past: Sequence[tuple[float, Event]]) -> None:
        """What a watcher reported before this view was opened, or while the engine did not answer."""
        with self._turn:
            since = max((m.at for m in self._history.moments), default=0.0)
            self._past = [event for _, event in past]
            for at, event in past:
                if at > since:
                    self._history.hear(at, event)
        self._wake.set()

    def _say(self, line: BoardLine) -> None:
        with self._turn:
            self._lines.append(line)

    def _observe(self) -> Observed:
        observed = own_containers(self._box.files, self._box.engine, self._project)
        if observed != self._observed:
            self._observed = observed
            self._wake.set()
        return observed

    def follow(self) -> None:
        """Follows logs and events; one check of the containers per second serves all purposes."""
        box = replace(self._box, reporter=_Ears(self.hear))
        tail = TAIL
        while not self._ended.is_set():
            try:
                stream(
                    box,
                    self._project,
                    (),
                    tail=tail,
                    stop=self._ended.is_set,
                    past=self.remember,
                    observe=self._observe,
                )
            except DevctlError as error:
                tail, self._observed = 0, None
                self._view = replace(self._view, trouble=error.problem.message)
                self._ended.wait(RETRY)

    def watch(self) -> None:
        """Takes a snapshot when something was heard or saved, and at intervals."""
        box = self._box
        looked = box.clock.monotonic()
        while not self._ended.is_set():
            heard = self._wake.wait(TICK)
            self._wake.clear()
            late = box.clock.monotonic() - looked >= AGAIN
            self._left = box.host.reader_left()  # the server of the page was killed, or the terminal closed
            if self._ended.is_set() or not (heard or late or self._saved()):
                continue
            try:
                self._view = self.look()
            except DevctlError as error:
                self._view = replace(self._view, trouble=error.problem.message)
                self._ended.wait(RETRY)
            looked = box.clock.monotonic()

    def _saved(self) -> bool:
        try:
            return self._inputs() != self._stamps
        except DevctlError:
            return True  # the snapshot reports it

    def end(self) -> None:
        self._ended.set()
        self._wake.set()


@contextmanager
def observing(box: Toolbox, project: Project) -> Iterator[ObservedProject]:
    """Within the context. Raises DevctlError if the first snapshot finds no engine, and what went wrong in the background."""
    board = ObservedProject(box, project)

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                board.error = error

        return run

    threads = [threading.Thread(target=guarded(work), daemon=True) for work in (board.follow, board.watch)]
    for thread in threads:
        thread.start()
    try:
        yield board
    finally:
        board.end()
        for thread in threads:
            thread.join(END)  # it has a `docker logs` of each service to end
    if board.error is not None:
        raise board.error


def _line_of(moment: Moment) -> BoardLine:
    return BoardLine(moment.service, "good" if moment.ok else "bad", told(moment))


def _happened(event: Happened) -> BoardLine | None:
    """What a log shows and the timeline does not."""
    first = event.message.strip().partition("\n")[0]
    match event.what:
        case "exited":
            return BoardLine(event.service, "bad" if first != "0" else "good", f"exited with code {first}")
        case "killed":
            return BoardLine(event.service, "bad", f"was killed: {first}")
        case "command failed":
            return BoardLine(event.service, "bad", f"a command of .air.toml failed: {first}")
        case "noted":
            return BoardLine(event.service, "bad", first)
        case "air ended":
            return BoardLine(event.service, "bad", f"is no longer reloaded: {first}")
        case _:
            return None


class _Silent:
    def emit(self, event: Event) -> None: ...
    def warn(self, problem: Problem, *, again: bool = False) -> None: ...


class _Ears(_Silent):
    def __init__(self, hear: Callable[[Event], None]) -> None:
        self._hear = hear

    def emit(self, event: Event) -> None:
        self._hear(event)
