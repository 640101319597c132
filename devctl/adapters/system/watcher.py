"""Batches of changed paths from watchfiles' notify core: quiet time, cap, an early start; polling if there are no events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from devctl.adapters.system.border import bordered
from devctl.errors import InterruptedByUser

QUIET = 0.2
"""Seconds without a further change before a batch goes out."""
CAP = 2.0
"""Seconds after which a batch goes out even if its files keep changing."""
STEP_MS = 30
"""How often the core checks for events: 0.15 % of a core, and the delay until a change is noticed."""
TICK_MS = 300
"""How often an idle watcher yields an empty batch, so that its caller can check other things."""

Notify = Callable[[list[str]], Any]


@bordered()
class FolderWatcher:
    """`Watcher` on watchfiles. It watches folders, not files: a watched file that is saved by rename is lost otherwise."""

    def __init__(
        self,
        *,
        notify: Notify | None = None,
        quiet: float = QUIET,
        cap: float = CAP,
        tick_ms: int = TICK_MS,
    ) -> None:
        """`quiet` and `cap` in seconds."""
        self._notify = notify or _notify
        self._quiet, self._cap, self._tick_ms = quiet, cap, tick_ms

    def batches(
        self,
        paths: Iterable[Path],
        *,
        stop: Callable[[], bool],
        folders: Iterable[Path] = (),
        poll: bool = False,
        at_once: Callable[[frozenset[Path]], bool] = lambda changed: False,
        on_poll: Callable[[str], None] = lambda reason: None,
    ) -> Iterator[frozenset[Path]]:
        wanted = _Wanted(*_watched(paths), frozenset(folders))
        core = _Stamps(wanted) if poll else self._open(wanted, on_poll)
        try:
            yield frozenset()  # armed: nothing that happens from now on is missed
            while not stop():
                changed = _news(core, wanted, timeout_ms=self._tick_ms)
                yield self._settle(core, wanted, changed, at_once=at_once, stop=stop) if changed else changed
        finally:
            core.close()

    def _open(self, wanted: _Wanted, on_poll: Callable[[str], None]) -> Any:
        try:
            return self._notify(sorted({*wanted.above, *map(str, wanted.folders)}))
        except FileNotFoundError:
            raise  # a folder has disappeared since the last look
        except (OSError, RuntimeError) as error:  # no inotify instances or watches left
            on_poll(str(error))
            return _Stamps(wanted)

    def _settle(
        self,
        core: Any,
        wanted: _Wanted,
        changed: frozenset[Path],
        *,
        at_once: Callable[[frozenset[Path]], bool],
        stop: Callable[[], bool],
    ) -> frozenset[Path]:
        began = last = time.monotonic()
        ready = at_once(changed)
        while not ready and not stop():
            now = time.monotonic()
            if now - last >= self._quiet or now - began >= self._cap:
                break
            more = _news(core, wanted, timeout_ms=STEP_MS)
            if more:
                changed, last = changed | more, time.monotonic()
                ready = at_once(changed)
        return changed


def _notify(folders: list[str]) -> Any:
    from watchfiles._rust_notify import RustNotify

    return RustNotify(folders, False, False, 0, False, True)


class _Wanted(Struct, frozen=True):
    """`paths`: those that count, as do the files of `folders`; `above`: the parent folders of `paths`."""

    paths: frozenset[Path]
    above: list[str]
    folders: frozenset[Path] = frozenset()

    def counts(self, path: Path) -> bool:
        return path in self.paths or path.parent in self.folders


class _Stamps:
    """Polling with the core's interface. watchfiles' own compares whole seconds, so it misses a second save within one."""

    def __init__(self, wanted: _Wanted) -> None:
        self._wanted = wanted
        self._known = self._look()

    def watch(
        self, debounce_ms: int, step_ms: int, timeout_ms: int, stop: None
    ) -> set[tuple[int, str]] | str:
        time.sleep(timeout_ms / 1000)
        before, self._known = self._known, self._look()
        both = {*before, *self._known}
        changed = {(0, str(path)) for path in both if before.get(path) != self._known.get(path)}
        return changed or "timeout"

    def close(self) -> None:
        return None

    def _look(self) -> dict[Path, tuple[int, int, int] | None]:
        found = {path: _stamp(path) for path in self._wanted.paths}
        for folder in self._wanted.folders:
            with contextlib.suppress(OSError):
                found |= {path: _stamp(path) for path in folder.iterdir()}
        return found


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _watched(paths: Iterable[Path]) -> tuple[frozenset[Path], list[str]]:
    """The paths that count, and the folders to watch; a folder that does not exist yet counts as a path in its parent."""
    wanted: set[Path] = set()
    folders: set[str] = set()
    for path in paths:
        current = path
        wanted.add(current)
        while not current.parent.is_dir() and current.parent != current:
            current = current.parent
            wanted.add(current)
        folders.add(str(current.parent))
    return frozenset(wanted), sorted(folders)


def _news(core: Any, wanted: _Wanted, *, timeout_ms: int) -> frozenset[Path]:
    news = core.watch(STEP_MS, STEP_MS, timeout_ms, None)
    if news == "signal":  # the core swallows what the handler raised
        raise InterruptedByUser
    if isinstance(news, str):
        return frozenset()
    return frozenset(path for _, name in news if wanted.counts(path := Path(name)))
