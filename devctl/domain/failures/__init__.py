"""The failure dictionary: what was asked and what came back → one sentence, its cause, the command that fixes it.

The entries are data, one file a topic, each with a recorded sample (`entries/*.yaml`); docs/reference/faults.md is made
from them. In which file an entry stands and where in it decides nothing: see `explain`.
"""

from __future__ import annotations

from devctl.domain.failures.entry import Asked, Explained, Facts, Failure
from devctl.domain.failures.searchable import searchable

__all__ = ["Asked", "Explained", "Facts", "Failure", "explain"]


def explain(
    asked: Asked,
    output: str,
    *,
    exit_code: int | None = None,
    oom_killed: bool = False,
    service: str = "NAME",
) -> Explained | None:
    """The entry that fits, or None: an unknown failure is never guessed at. `service`: whose output it is.

    Of several, one that is special speaks before one that is general, and then the one that is found first in the
    output: what a tool says first is the cause of what follows.
    """
    from devctl.domain.failures.catalog import entries

    facts, output = Facts(exit_code, oom_killed, service), searchable(output)
    fitting = [
        (entry.general, found.start(), entry, found)
        for entry in entries()
        if (found := entry.match(asked, output, facts)) is not None
    ]
    if not fitting:
        return None
    _, _, entry, found = min(fitting, key=lambda it: it[:2])
    return entry.explanation(found, facts)
