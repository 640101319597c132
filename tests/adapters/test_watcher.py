"""The watcher on a real file system: what counts as a change, when a batch goes out, and what happens without inotify."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system.watcher import CAP, QUIET, FolderWatcher
from devctl.errors import InterruptedByUser

LONG = 60.0
"""Seconds that no test waits: what comes within them did not wait for them."""


def quick(**how: Any) -> FolderWatcher:
    return FolderWatcher(**{"quiet": 0.05, "cap": LONG, "tick_ms": 30, **how})


class Watch:
    """A watch in a thread: the batches that were not empty."""

    def __init__(self, *paths: Path, watcher: FolderWatcher | None = None, **how: Any) -> None:
        self.batches: list[frozenset[Path]] = []
        self._ended, self._armed = threading.Event(), threading.Event()
        self._watcher, self._paths, self._how = watcher or quick(), paths, how
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._armed.wait(60)

    def _run(self) -> None:
        for batch in self._watcher.batches(self._paths, stop=self._ended.is_set, **self._how):
            self._armed.set()
            if batch:
                self.batches.append(batch)

    def first(self, within: float = 60) -> frozenset[Path]:
        deadline = time.monotonic() + within
        while not self.batches:
            assert time.monotonic() < deadline, "no batch came"
            time.sleep(0.01)
        return self.batches[0]

    def until(self, paths: set[Path], *, after: int = 0, within: float = 60) -> None:
        """All of these were reported since batch `after`, however the batches were cut."""
        deadline = time.monotonic() + within
        while not frozenset().union(*self.batches[after:]) >= paths:
            assert time.monotonic() < deadline, self.batches
            time.sleep(0.01)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def watch() -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def make(*paths: Path, **how: Any) -> Watch:
        made.append(Watch(*paths, **how))
        return made[-1]

    yield make
    for one in made:
        one.end()


def rename_over(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.rename(path)


@pytest.mark.parametrize("poll", [False, True])
def test_a_save_by_rename_a_new_file_and_a_deletion_are_seen(
    tmp_path: Path, watch: Callable[..., Watch], poll: bool
) -> None:
    mod, sums, gone = tmp_path / "go.mod", tmp_path / "go.sum", tmp_path / "go.work"
    mod.write_text("a")
    gone.write_text("a")
    seen = watch(mod, sums, gone, poll=poll)
    rename_over(mod, "bb")
    sums.write_text("new")
    gone.unlink()
    seen.until({mod, sums, gone})
    before = len(seen.batches)
    rename_over(mod, "ccc")  # the second rename too: a watch on the file would be blind by now
    seen.until({mod}, after=before)


def test_other_files_of_the_folder_do_not_count(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    mod = tmp_path / "go.mod"
    seen = watch(mod)
    (tmp_path / "main.go").write_text("x")
    (tmp_path / "go.mod~").write_text("x")
    mod.write_text(
        "x"
    )  # events come in their order: had the others counted, they would have been reported by now
    seen.until({mod})
    assert frozenset().union(*seen.batches) == {mod}


def test_a_folder_that_comes_later_is_seen_coming(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    listed = tmp_path / "vendor/modules.txt"
    seen = watch(listed)
    listed.parent.mkdir()
    assert seen.first() == {listed.parent}


def test_a_burst_is_one_batch_after_quiet(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    mod, sums = tmp_path / "go.mod", tmp_path / "go.sum"
    seen = watch(mod, sums, watcher=quick(quiet=2))
    for number in range(20):
        mod.write_text(str(number))
        time.sleep(0.005)
    sums.write_text("the last of the burst")
    assert seen.first() == {mod, sums}


def test_a_file_that_never_rests_goes_out_at_the_cap(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    mod = tmp_path / "go.mod"
    seen = watch(mod, watcher=quick(quiet=LONG, cap=0.2))
    deadline = time.monotonic() + LONG / 2
    while not seen.batches:
        mod.write_text(str(time.monotonic()))
        time.sleep(0.02)
        assert time.monotonic() < deadline


def test_what_may_start_at_once_does(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    mod, sums = tmp_path / "go.mod", tmp_path / "go.sum"
    seen = watch(mod, sums, watcher=quick(quiet=LONG), at_once=lambda changed: sums in changed)
    mod.write_text("x")
    sums.write_text("x")
    assert seen.first() == {mod, sums}


def test_people_wait_little_for_the_end_of_a_burst() -> None:
    assert (QUIET, CAP) == (0.2, 2.0)


def test_without_inotify_it_looks_and_says_why(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    """What watchfiles raises when fs.inotify.max_user_instances is used up (tried by lowering it)."""

    def notify(folders: list[str]) -> Any:
        raise RuntimeError("Error creating recommended watcher: Too many open files (os error 24)")

    said: list[str] = []
    seen = watch(tmp_path / "go.mod", watcher=quick(notify=notify), on_poll=said.append)
    assert ["Too many open files" in reason for reason in said] == [True]
    (tmp_path / "go.mod").write_text("x")
    assert seen.first() == {tmp_path / "go.mod"}


def test_a_signal_that_the_core_swallowed_is_an_interruption(tmp_path: Path) -> None:
    class Core:
        def watch(self, *how: object) -> str:
            return "signal"

        def close(self) -> None:
            return None

    watcher = FolderWatcher(notify=lambda folders: Core())
    batches = watcher.batches([tmp_path / "go.mod"], stop=lambda: False)
    assert next(batches) == frozenset()
    with pytest.raises(InterruptedByUser):
        next(batches)


def test_a_vanished_folder_ends_in_silence(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    seen = watch(folder / "go.mod")
    folder.rename(tmp_path / "elsewhere")
    time.sleep(0.1)
    seen.end()


def test_an_unreadable_folder_is_not_a_crash(tmp_path: Path, watch: Callable[..., Watch]) -> None:
    folder = tmp_path / "project"
    folder.mkdir(mode=0o500)
    seen = watch(folder / "go.mod")
    seen.end()
    folder.chmod(0o700)
