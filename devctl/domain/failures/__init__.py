"""The failure dictionary: what was asked and what came back → one sentence, its cause, the command that mends it.

One table a topic, one entry a place; the first entry that fits speaks, so what is special stands before what is general.
Each entry has a recorded sample in tests/failures/samples, and docs/reference/faults.md is made from those.
"""

from __future__ import annotations

from devctl.domain.failures.compose_file import COMPOSE_FILE
from devctl.domain.failures.containers import CONTAINERS
from devctl.domain.failures.engine import ENGINE_FAILURES
from devctl.domain.failures.entry import Asked, Explained, Facts, Failure
from devctl.domain.failures.images import IMAGES
from devctl.domain.failures.modules import MODULES
from devctl.domain.failures.networks import NETWORKS
from devctl.domain.failures.reached import REACHED
from devctl.domain.failures.start import STARTS
from devctl.domain.failures.toolchain import TOOLCHAIN

__all__ = ["FAILURES", "Asked", "Explained", "Facts", "Failure", "explain"]

FAILURES: tuple[Failure, ...] = (
    *ENGINE_FAILURES,
    *MODULES,
    *TOOLCHAIN,
    *IMAGES,
    *COMPOSE_FILE,
    *NETWORKS,
    *CONTAINERS,
    *REACHED,
    *STARTS,
)


def explain(
    asked: Asked,
    output: str,
    *,
    exit_code: int | None = None,
    oom_killed: bool = False,
    service: str = "NAME",
) -> Explained | None:
    """The first entry that fits, or None: an unknown failure is never guessed at. `service`: whose output it is."""
    facts = Facts(exit_code, oom_killed, service)
    for entry in FAILURES:
        found = entry.explains(asked, output, facts)
        if found is not None:
            return found
    return None
