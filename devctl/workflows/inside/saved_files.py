"""Which files of a project were saved with different content: reported by events, decided by their content."""

from __future__ import annotations

import contextlib
import posixpath
import threading
import zlib
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import FilesError, Problem
from devctl.workflows.project.excluded_folders import data_folders
from devctl.workflows.session.session import must_poll

AGAIN = 0.3
"""Seconds until folders are watched again if one was missing."""
END = 3.0
"""Seconds that the thread has to end."""
_LIMITS = "raise fs.inotify.max_user_instances and max_user_watches (sysctl), or stop other watchers"
Tree = Mapping[str, Mapping[str, tuple[int, int]]]


class SavedFiles(Struct):
    """What was saved and not yet taken, relative to the project. `armed`: nothing that is saved from now on is missed."""

    armed: threading.Event = field(default_factory=threading.Event)
    _changed: set[str] = field(default_factory=set)
    _contents: dict[str, int | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _error: Exception | None = None

    def seen(self) -> frozenset[str]:
        """Raises the error that ended the watch."""
        with self._lock:
            if self._error is not None:
                raise self._error
            return frozenset(self._changed)

    def take(self) -> frozenset[str]:
        with self._lock:
            taken = frozenset(self._changed)
            self._changed.clear()
        return taken

    def compare(self, before: Tree, after: Tree, box: Toolbox, root: Path) -> None:
        old, new = _flat(before), _flat(after)
        for path in {*old, *new}:
            if old.get(path) != new.get(path) and self._other_content(box, root, path):
                with self._lock:
                    self._changed.add(path)

    def fail(self, error: Exception) -> None:
        with self._lock:
            self._error = error
        self.armed.set()

    def _other_content(self, box: Toolbox, root: Path, path: str) -> bool:
        """A file that an editor or a test writes again unchanged does not count as saved; about a file that changes for the
        first time nothing is known."""
        try:
            data = box.files.read_bytes(root / path, within=root)
        except FilesError:
            data = None
        content = None if data is None else zlib.crc32(data)
        known = path in self._contents
        before, self._contents[path] = self._contents.get(path), content
        return not known or before != content


@contextlib.contextmanager
def saved_files(box: Toolbox, project: Project) -> Iterator[SavedFiles]:
    """Watched in a thread within the context; the watch is armed when it begins."""
    saved, ended = SavedFiles(), threading.Event()
    thread = threading.Thread(target=_Watching(box, project, saved, ended).run, daemon=True)
    thread.start()
    try:
        saved.armed.wait()
        yield saved
    finally:
        ended.set()
        thread.join(END)


class _Watching(Struct):
    """`tree`: as of the last look; `without`: folders that are not examined."""

    box: Toolbox
    project: Project
    saved: SavedFiles
    ended: threading.Event
    without: frozenset[str] = frozenset()
    tree: Tree = field(default_factory=dict)

    def run(self) -> None:
        try:
            self.without = frozenset(data_folders(self.box.files, self.project))
            self.tree = self._look()
            while not self.ended.is_set():
                try:
                    self._until_folders_change()
                except FilesError:  # a folder that disappeared before it was watched
                    if self.box.files.gone(self.project.root):
                        raise
                    self.box.clock.sleep(AGAIN)
                    self._compare()
        except Exception as error:  # whatever it is, the thread that waits for saves must learn of it
            self.saved.fail(error)

    def _compare(self) -> None:
        before, self.tree = self.tree, self._look()
        self.saved.compare(before, self.tree, self.box, self.project.root)

    def _until_folders_change(self) -> None:
        root, folders = self.project.root, frozenset(self.tree)
        batches = self.box.watcher.batches(
            [root / name for name in self.project.watch_also],
            stop=self.ended.is_set,
            folders=[root / folder for folder in folders],
            poll=must_poll(self.box, self.project),
            at_once=_whole,
            on_poll=lambda reason: _say_polling(self.box, reason),
        )
        armed = False
        try:
            for batch in batches:
                if batch or not armed:  # armed: a look finds what was saved before
                    self._compare()
                    self.saved.armed.set()
                armed = True
                if self.ended.is_set() or frozenset(self.tree) != folders:
                    return
        finally:
            if isinstance(batches, Generator):
                batches.close()

    def _look(self) -> Tree:
        """With the files that devctl.yaml names (`watch: {also: …}`)."""
        files, root = self.box.files, self.project.root
        stamps = {name: files.stamp(root / name) for name in self.project.watch_also}
        also = {name: (stamp[0], stamp[1]) for name, stamp in stamps.items() if stamp is not None}
        return {**files.sources(root, without=self.without), "": also}


def _whole(batch: frozenset[Path]) -> bool:
    """One save of one file need not wait for more."""
    return len(batch) == 1 and next(iter(batch)).suffix == ".go"


def _say_polling(box: Toolbox, reason: str) -> None:
    text = f"file events are not available ({reason}): polling for changes instead"
    box.reporter.warn(Problem("watch-polls", text, _LIMITS))


def _flat(tree: Tree) -> dict[str, tuple[int, int]]:
    return {
        posixpath.normpath(posixpath.join(folder, name)): stamp
        for folder, files in tree.items()
        for name, stamp in files.items()
    }
