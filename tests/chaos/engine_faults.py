"""The engine stops, is killed, has no room: in the middle of a command, on an engine that belongs to the run.

`python -m tests.chaos.engine_faults FOLDER NAME PORT IMAGES SEED FIRST N`, where no engine answers yet: the project, its images
as a file, the faults. It prints one line of JSON for each.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import msgspec

from devctl.adapters.system.identity import machine_place, state_folder
from tests.chaos.faults import Done, Fault
from tests.chaos.kills import during, kill
from tests.chaos.scene import COMMANDS, Scene, scene, wait
from tests.chaos.trying import tries
from tests.engine.cli import until
from tests.engine.conftest import Started

ROOM = "3g"
"""Of memory, in which the engine keeps images, volumes and containers."""
READY = tuple(c for c in COMMANDS if c.name != "rebuild")
"""What needs no build: those of the images came from the machine's engine, and nothing more is reached from here."""
FULL = Path("/var/lib/docker/full")


def start() -> None:
    """Once the last one is gone, and until it answers."""
    log = Path("/var/log/dockerd").open("ab")  # noqa: SIM115 (the engine has it as long as it lives)
    with log:
        subprocess.Popen(["dockerd", "--log-level", "error"], stdout=log, stderr=log, start_new_session=True)
    until(answers, 60, lambda: Path("/var/log/dockerd").read_text()[-2000:])


def answers() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True).returncode == 0


def stop(number: int) -> None:
    pid = int(Path("/run/docker.pid").read_text())
    kill(pid, number)
    until(lambda: not _runs(pid), 60)


def _runs(pid: int) -> bool:
    """A process that has ended and that nobody waits for is still listed."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _restarted(here: Scene, rng: Random, number: int) -> Done:
    gone = rng.random() * 3

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        stop(number)
        wait(gone)
        start()
        return True

    done = during(here, rng, strike, READY)
    return Done(done.during, f"for {gone:.2f} s, {done.what}", done.struck)


def stopped(here: Scene, rng: Random) -> Done:
    return _restarted(here, rng, signal.SIGTERM)


def killed(here: Scene, rng: Random) -> Done:
    return _restarted(here, rng, signal.SIGKILL)


def disk_is_full(here: Scene, rng: Random) -> Done:
    """What is left of the disk is filled at a random moment, and free again after the command."""

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        with contextlib.suppress(OSError), FULL.open("wb") as full:
            while True:
                full.write(b"\0" * 65_536)
        return True

    try:
        return during(here, rng, strike, READY, 0.4)
    finally:
        FULL.unlink(missing_ok=True)


FAULTS = [
    Fault("the engine is stopped, and started again", stopped),
    Fault("the engine is killed, and started again", killed),
    Fault("the engine's disk is full for a command", disk_is_full),
]


def keep_identity() -> None:
    """The images were labelled before, outside of these namespaces; with another identity they would have to be built again."""
    (known,) = (state_folder() / "machines").iterdir()
    known.with_name(f"{machine_place()}.json").write_bytes(known.read_bytes())


def main(made: Started, images: Path, seed: int, first: int, n: int) -> None:
    keep_identity()
    start()
    subprocess.run(["docker", "load", "--quiet", "--input", images], check=True, stdout=sys.stderr)
    # Without containers beside it: none of them outlives its engine.
    for done in tries(FAULTS, lambda: scene(made, bystanders=False), seed, range(first, first + n)):
        print(msgspec.json.encode(done).decode(), flush=True)
    made.devctl("down", "--volumes", "-y")
    stop(signal.SIGTERM)


if __name__ == "__main__":
    main(
        Started(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])), Path(sys.argv[4]), *map(int, sys.argv[5:])
    )
