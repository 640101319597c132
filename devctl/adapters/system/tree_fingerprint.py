"""A fingerprint of a folder, from names, sizes and times alone."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from devctl.adapters.system.regular_file import walk

MOST = 20_000
"""Entries; examining more takes longer than it may save."""
SETTLED = 2_000_000_000
"""Nanoseconds. What changed more recently may change again without a trace: file systems count time in ticks."""


def fingerprint(root: Path, *, without: Iterable[str]) -> str | None:
    """Equal fingerprints mean equal content; None if that cannot be guaranteed. `without`: lines of a .dockerignore.

    Only what those lines name without a pattern is left out; examining more than the build reads does no harm.
    """
    lines = [line.strip().strip("/") for line in without if line.strip() and not line.startswith("#")]
    plain = {line for line in lines if not set("*?[!\\") & set(line)}
    anywhere = {line[3:] for line in lines if line.startswith("**/")}
    if any(line.startswith("!") for line in lines):  # includes something again: only the last line is certain
        plain, anywhere = set(lines[-1:]), set()
    whole, newest, seen = hashlib.blake2b(digest_size=16), 0, 0
    for folder, names, files in walk(root):
        below = os.path.relpath(folder, root)
        names[:] = sorted(
            n for n in names if n not in anywhere and os.path.normpath(f"{below}/{n}") not in plain
        )
        for name in (*names, *sorted(files)):
            path = os.path.normpath(f"{below}/{name}")
            if path in plain:
                continue
            seen += 1
            try:
                facts = os.lstat(f"{folder}/{name}")
            except OSError:
                return None
            whole.update(repr((path, _said(facts))).encode())
            newest = max(newest, 0 if stat.S_ISDIR(facts.st_mode) else facts.st_mtime_ns, facts.st_ctime_ns)
        if seen > MOST:
            return None
    return whole.hexdigest() if time.time_ns() - newest > SETTLED else None


def _said(facts: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(facts.st_mode):
        return (facts.st_mode,)
    return facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
