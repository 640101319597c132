"""Batches of changed paths by watchfiles: quiet time and cap; polling where events cannot be trusted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from devctl.errors import InterruptedByUser

QUIET_MS = 200
CAP_MS = 2000
TICK_MS = 500
"""How often a silent watcher looks whether it should end; the only thing it does when idle."""
POLL_DELAY_MS = 500
_EVENTLESS = ("9p", "drvfs", "fuse", "cifs", "smb", "nfs", "vboxsf", "virtiofs")


class FolderWatcher:
    """`Watcher` on watchfiles. Folders are watched, not files: a file that is saved by rename goes blind otherwise."""

    def __init__(self, *, poll: Callable[[Path], bool] | None = None) -> None:
        self._poll = poll or eventless

    def batches(self, paths: Iterable[Path], *, stop: Callable[[], bool]) -> Iterator[frozenset[Path]]:
        from watchfiles import watch

        wanted = frozenset(paths)
        folders = sorted({p.parent for p in wanted if p.parent.is_dir()})
        ended = threading.Event()
        stream = watch(
            *folders,
            watch_filter=lambda _, path: Path(path) in wanted,
            debounce=CAP_MS,
            step=QUIET_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            stop_event=ended,
            recursive=False,
            raise_interrupt=True,
            force_polling=any(self._poll(folder) for folder in folders),
            poll_delay_ms=POLL_DELAY_MS,
            ignore_permission_denied=True,
        )
        try:
            for changes in stream:
                if stop():
                    return
                yield frozenset(Path(path) for _, path in changes)
        except KeyboardInterrupt:
            raise InterruptedByUser(
                "interrupted", code="interrupted", hint="devctl status shows what still runs"
            ) from None


def eventless(folder: Path) -> bool:
    """Whether the folder lies on a mount that passes no file events (WSL#4739; docs/decisions on watching)."""
    best, kind = "", ""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return False
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, point, fs, *_ = line.split()
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fs
    return kind.startswith(_EVENTLESS)
