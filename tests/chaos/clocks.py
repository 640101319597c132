"""The clock of the machine that devctl runs on is set, in the middle of a command, and set back while its watcher runs. The
engine's own, and that of the files, stay: so it is with an engine in a virtual machine after the laptop has slept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from random import Random
from unittest.mock import patch

from tests.chaos.faults import Done, fault
from tests.chaos.kills import during
from tests.chaos.scene import Scene

SHIFTED = Path(__file__).parent / "shifted_clock"
HOUR = 3600


@fault("the clock jumps")
def the_clock_jumps(here: Scene, rng: Random) -> Done:
    ahead = rng.choice([-24 * HOUR, -HOUR, HOUR, 24 * HOUR])
    clock = here.root.with_name(f"{here.root.name}.clock")
    _set(clock, 0)

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        _set(clock, ahead)
        return True

    with patch.dict(os.environ, PYTHONPATH=str(SHIFTED), CLOCK_AHEAD=str(clock)):
        done = during(here, rng, strike)
    _set(clock, 0)
    return Done(done.during, f"{ahead // HOUR:+d} h {done.what}", done.struck)


def _set(clock: Path, ahead: int) -> None:
    """In one step: devctl may read it at any moment."""
    new = clock.with_suffix(".new")
    new.write_text(str(ahead), encoding="ascii")
    new.replace(clock)
