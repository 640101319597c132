"""`make engines`: try devctl on the engines that people have; docs/explanation/testing.md says how."""

from __future__ import annotations

import argparse
import datetime
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TextIO

from msgspec import json

from tests.engine.cli import until
from tests.engines.behaviours import Tried
from tests.engines.kinds import KINDS, Kind
from tests.engines.page import Measured, keep
from tests.engines.running import running
from tests.engines.trees import cache

WITHIN = 1500.0
"""Seconds for the behaviours of one engine."""
WORK = "devctl-engines-"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__)
    parser.add_argument("engines", nargs="?", default="", help="separated by commas; all of them by default")
    parser.add_argument("--check", action="store_true", help="leave docs/reference/engines.md as it is")
    given = parser.parse_args()
    names = [name for name in given.engines.split(",") if name] or [kind.name for kind in KINDS]
    unknown = set(names) - {kind.name for kind in KINDS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(k.name for k in KINDS)}")
    if os.geteuid() != 0:
        print(
            "make engines needs root: each engine gets a root file system and a network of its own",
            file=sys.stderr,
        )
        return 2
    cache().mkdir(parents=True, exist_ok=True)
    failed = False
    with (cache() / "lock").open("w") as lock:
        until(lambda: _locked(lock), WITHIN)  # the trees and networks have one name each
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the engine too, like Ctrl-C
        for left in Path(tempfile.gettempdir()).glob(f"{WORK}*"):  # by a lane that was killed
            shutil.rmtree(left, ignore_errors=True)
        for kind in (kind for kind in KINDS if kind.name in names):
            print(f"{kind.name}:", file=sys.stderr, flush=True)
            try:
                found = _try(kind)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                print(f"  {error}", file=sys.stderr, flush=True)
                failed = True
                continue
            failed |= not all(shown.holds for shown in found.shown.values())
            if not given.check:
                today = datetime.date.today().isoformat()
                keep({kind.name: Measured(today, found.versions, found.shown)})
    return int(failed)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try(kind: Kind) -> Tried:
    """In a folder of its own, which the engine sees at the same path: temporary files and state of devctl are there too."""
    work = Path(tempfile.mkdtemp(prefix=WORK))
    work.chmod(0o755)
    try:
        with running(kind, work) as engine:
            answer = work / "tried.json"
            env = {**os.environ, **engine.env, "TMPDIR": str(work), "XDG_STATE_HOME": str(work / "state")}
            argv = [
                *engine.within,
                sys.executable,
                "-m",
                "tests.engines.behaviours",
                kind.name,
                str(work),
                str(answer),
            ]
            subprocess.run(argv, env=env, check=True, timeout=WITHIN)
            return json.decode(answer.read_bytes(), type=Tried)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
