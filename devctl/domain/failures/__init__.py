"""The failure dictionary: what was done and what came back → one sentence, its cause, and the command that fixes it.

The entries are data, one file per topic, each with a recorded sample (`entries/*.yaml`); docs/reference/faults.md is generated
from them. The file of an entry, and its position there, make no difference: see `explain`.
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
    air: bool = False,
) -> Explained | None:
    """The matching entry, or None: an unknown failure is never guessed at. `service`: whose output it is; `air`: as in
    `Facts`.

    Of several, a specific one takes precedence over a general one, and then the one that matches first in the output: what a
    tool reports first is the cause of what follows.
    """
    from devctl.domain.failures.catalog import entries

    facts, output = Facts(exit_code, oom_killed, service, air), searchable(output)
    fitting = [
        (entry.general, found.start(), entry, found)
        for entry in entries()
        if (found := entry.match(asked, output, facts)) is not None
    ]
    if not fitting:
        return None
    _, _, entry, found = min(fitting, key=lambda it: it[:2])
    return entry.explanation(found, facts)
