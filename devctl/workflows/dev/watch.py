"""The watcher: an event is a hint, the fingerprint decides; one rebuild at a time, the rest is examined afterwards."""

from __future__ import annotations

import contextlib
import posixpath
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import LogLine, Outcome
from devctl.domain.command.requests import WatchRequest
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import EVENTS, WATCHER_LOCK, WATCHER_LOG
from devctl.errors import FilesError, InterruptedByUser, MachineError, Problem
from devctl.workflows.dev.reload_events import follow_reloads
from devctl.workflows.dev.replace import Superseded
from devctl.workflows.dev.watch_round import catch_up, in_dev
from devctl.workflows.project.find import COMPOSE_FILES, OVERRIDES
from devctl.workflows.project.load import load
from devctl.workflows.session.event_trial import try_once
from devctl.workflows.session.manifests import manifest_paths, sums_are_complete
from devctl.workflows.session.overlay import with_targets
from devctl.workflows.session.session import RECIPE_FILES, must_poll
from devctl.workflows.session.steps import only_warned
from devctl.workflows.state.record_event import Recording
from devctl.workflows.state.watcher_process import ensure_watcher, note_watcher, watcher_state

AGAIN = 5.0
"""Seconds until the next try if the machine, not a file, was the obstacle: an engine that restarts."""
TRIAL_AGAIN = 10.0
"""Seconds until file events are tried again if that was not possible, doubled each time: a busy machine, a restart."""
END = 3.0
_LIMITS = "raise fs.inotify.max_user_instances and max_user_watches (sysctl), or stop other watchers"
_VM = "devctl.yaml: `watch: {poll: never}` if that is wrong; reloads are faster in a folder on the engine's own file system"


def watch_daemon(request: WatchRequest, box: Toolbox) -> Outcome:
    """The background watcher: lives until it is told to stop, or its project is gone. Should only `.devctl/` be deleted, with the
    files that it writes to, another one takes its place."""
    began = box.clock.now()  # whoever started it goes on when the lock is held, and may save a file
    project = load(box, request.project, lenient=True, unattended=True)
    with contextlib.suppress(InterruptedByUser, KeyboardInterrupt):
        with holding(box, project) as mine:
            if not mine:
                pid = watcher_state(box, project.root).pid or "unknown"
                _say(box.reporter, f"another watcher (pid {pid}) already watches this project: exiting")
                return Outcome()
            stop = lambda: not still_mine(box.files, project.root)  # noqa: E731
            watch(box, project, stop=stop, since=began, recorded=True)
        if is_there(box.files, project):
            ensure_watcher(box, project)
        else:
            _say(box.reporter, "the project was moved or removed: exiting")
    return Outcome()


def _say(reporter: Reporter, text: str) -> None:
    reporter.emit(LogLine("devctl", "stderr", f"watcher: {text}"))


@contextlib.contextmanager
def holding(box: Toolbox, project: Project) -> Iterator[bool]:
    """Be this project's watcher; yields False if another one is alive."""
    box.state.make(project.root)
    with box.files.hold(project.root, WATCHER_LOCK, note=str(box.host.pid())) as mine:
        if mine:
            note_watcher(box.private, box.identity, project.root)
        yield mine


def still_mine(files: Files, root: Path) -> bool:
    """Whether the lock is where others look for it: not once the project was moved or removed, or `.devctl/` was deleted."""
    return files.held(root, WATCHER_LOCK)


def is_there(files: Files, project: Project) -> bool:
    """Whether the project's folder is the one that was read: anything that writes into it may have made another."""
    return files.is_dir(project.root) and files.identity(project.root) == project.folder


def watch(
    box: Toolbox,
    project: Project,
    *,
    stop: Callable[[], bool],
    between: Callable[[], None] = lambda: None,
    since: float | None = None,
    recorded: bool = False,
) -> None:
    """Until `stop` is true: rebuild what changed, report reloads. Raises InterruptedByUser on Ctrl-C. `between`: what else this
    thread is to do, called several times a second while nothing is rebuilt. `since`: reloads from then on, instead of from now
    on. `recorded`: what the reporter gets is already kept in `.devctl/`."""
    if not recorded:
        with only_warned(box.reporter):
            box.state.remove(project.root, EVENTS)  # those of the previous watcher
        box = replace(box, reporter=Recording(box, project.root))
    ended = threading.Event()
    watching = _Watching(box, project, ended, between, box.clock.now() if since is None else since)
    try:
        while not stop():
            watching.until_paths_change(stop)
    finally:
        ended.set()
        for follower in watching.followers.values():
            follower.join(END)  # each has a `docker logs` to stop


class _Watching(Struct):
    """`saved`: set by a follower when a dev container starts to build; that may fix what failed before. `began`: from when on
    reloads are reported, until the services that there are at first are followed."""

    box: Toolbox
    known: Project
    ended: threading.Event
    between: Callable[[], None]
    began: float | None
    saved: threading.Event = field(default_factory=threading.Event)
    followers: dict[str, threading.Thread] = field(default_factory=dict)
    failed_at: float | None = None
    again_at: float | None = None
    trial_at: float | None = 0.0
    trial_wait: float = TRIAL_AGAIN

    def until_paths_change(self, stop: Callable[[], bool]) -> None:
        """Watch one set of paths; another set (a new `replace`, a new member of a workspace) needs a new watch."""
        self._follow_all()
        paths = watched_paths(self.box.files, self.known)
        armed = False
        batches = self.box.watcher.batches(
            paths,
            stop=stop,
            poll=must_poll(self.box, self.known),
            at_once=self._may_start,
            on_poll=self._say_polling,
        )
        with _ended_at_once(batches):
            for batch in batches:
                self.between()
                if not stop() and (batch or not armed or self._try_again()):
                    self._catch_up()
                    armed = True
                    if watched_paths(self.box.files, self.known) != paths:
                        return
                due = self.trial_at is not None and self.box.clock.monotonic() >= self.trial_at
                if due and not stop() and self._events_fail():
                    self._catch_up()

    def _catch_up(self) -> None:
        with only_warned(self.box.reporter):
            for name in (EVENTS, WATCHER_LOG):
                self.box.state.bound(self.known.root, name)
        self.again_at = None
        self.saved.clear()
        self.failed_at = None
        try:
            self.known, failed = catch_up(self.box, self.known)
            self.failed_at = self.box.clock.monotonic() if failed else None
        except InterruptedByUser:
            raise
        except (MachineError, FilesError) as error:
            if self.box.files.gone(self.known.root):
                return  # the project was moved or removed: the next check finds the lock gone, and ends
            _say(self.box.reporter, error.problem.message)
            self.again_at = self.box.clock.monotonic() + AGAIN
        except Superseded:
            self.again_at = self.box.clock.monotonic()
        self._follow_all()

    def _try_again(self) -> bool:
        if self.again_at is not None:
            return self.box.clock.monotonic() >= self.again_at
        failed = self.failed_at is not None
        return self.saved.is_set() and (failed or main_has_left(self.box.files, self.known))

    def _may_start(self, batch: frozenset[Path]) -> bool:
        """No need to wait for quiet: only manifests changed, they parse, and their sums are complete."""
        root = self.known.root
        for service in self.known.services:
            mine = {root / path for path in manifest_paths(self.box.files, self.known, service)}
            if batch <= mine:
                return sums_are_complete(self.box.files, self.known, service)
        return False

    def _events_fail(self) -> bool:
        """Tried when the first service runs as wanted; if events do not arrive, polling is used, and reported."""
        self.trial_at = None
        if must_poll(self.box, self.known) or self.known.watch_poll == "never":
            return False
        fail = self._tried()
        if fail is None:
            self.trial_at, self.trial_wait = self.box.clock.monotonic() + self.trial_wait, self.trial_wait * 2
        if fail:
            self._say_polling("a write to the project's folder caused no file event in the container", _VM)
        return bool(fail)

    def _tried(self) -> bool | None:
        try:
            running = self.box.engine.containers(self.known.name)
        except MachineError:
            return None
        names = in_dev(self.known, running)
        first = running.of(names[0]) if names else None
        here = self.box.files.is_dir(self.known.root)
        with only_warned(self.box.reporter):
            return try_once(self.box, self.known, first) if first is not None and here else None
        return None

    def _follow_all(self) -> None:
        for service in self.known.services:
            if service.name not in self.followers:
                how = {"stop": self.ended.is_set, "saved": self.saved.set, "since": self.began}
                args = (self.box, lambda: self.known, service.name)
                thread = threading.Thread(target=follow_reloads, args=args, kwargs=how, daemon=True)
                self.followers[service.name] = thread
                thread.start()
        self.began = None

    def _say_polling(self, reason: str, hint: str = _LIMITS) -> None:
        text = f"file events are not available ({reason}): polling for changes instead"
        self.box.reporter.warn(Problem("watch-polls", text, hint))
        _say(self.box.reporter, f"{text}; {hint}")


@contextlib.contextmanager
def _ended_at_once(batches: Iterator[frozenset[Path]]) -> Iterator[None]:
    """The generator is closed right here, so that one watch ends before the next begins."""
    try:
        yield
    finally:
        if isinstance(batches, Generator):
            batches.close()


def main_has_left(files: Files, project: Project) -> bool:
    """Whether a folder of a main package has no Go files any more: nothing but the code said which package to build."""
    mains = {p.dir for module in project.source.modules for p in module.packages if p.has_main}
    built = {posixpath.normpath(posixpath.join(s.source.dir, s.source.main)) for s in project.services}
    left = (files.names(project.root / folder) for folder in mains & built)
    return any(not any(name.endswith(".go") for name in names) for names in left)


def _model_files(project: Project) -> list[str]:
    usual = (
        f"{project.compose_dir}/{name}".removeprefix("./") for name in (*COMPOSE_FILES, *OVERRIDES, ".env")
    )
    return ["devctl.yaml", ".env", *usual, *project.compose_files]


def watched_paths(files: Files, project: Project) -> tuple[Path, ...]:
    """Every input except the source, which air watches: manifests, recipe, model."""
    names = [*_model_files(project), *project.watch_also]
    if project.inputs is not None:  # what compose files name and include
        names += [path for path in project.inputs.looked_at if Path(path).is_relative_to(project.root)]
    for service in project.services:
        names += manifest_paths(files, project, service)
        names += [f"{service.build.context}/{name}" for name in RECIPE_FILES]
        names += [service.air.path] if service.air is not None else []
        names += service.start.scripts
        # One that is written later counts too.
        dockerfile = service.build.dockerfile or f"{service.build.context}/Dockerfile"
        names += [dockerfile, f"{dockerfile}.dockerignore"]
    return tuple(dict.fromkeys((project.root / name) for name in with_targets(files, project, names)))
