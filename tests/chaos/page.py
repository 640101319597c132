"""The table of a run: docs/reference/chaos.md."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from pathlib import Path

from tests.chaos.trying import Try
from tests.engine.cli import docker

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "chaos.md"
NOT_BEGUN = "not known"
WORTH = 50
"""A run of fewer faults does not replace the table."""


HEAD = """# Faults at random

Written by `make chaos SEED={seed}` ({machine}). A service writes rows into
PostgreSQL without a pause. Meanwhile {n} faults strike, each at a random moment; {struck} of them found something to strike.
After each:

- every row that was acknowledged is in the database, and new ones are written;
- the user's files are as git has them; containers that do not belong to the project are the same, and run since the same moment;
- `devctl status` says what the engine says, and what it says serves does serve;
- the next `devctl up -d` serves what is on disk, in the time below (median, longest), and another one has nothing to do;
- the project's lock is free, and no program works on the project any more.

A command that could not do its work, because the folder was gone for example, ended with an [exit code](exit-codes.md) of the
contract and a hint. The clock that jumps is the one that devctl reads; that of the engine and of the files stays, as with an
engine in a virtual machine.

| fault | tries | struck | healed | next `up`, s |
| --- | --- | --- | --- | --- |
"""
DURING = """
## By what devctl was doing

| command | tries | healed | next `up`, s |
| --- | --- | --- | --- |
"""


def write(seed: int, tries: list[Try]) -> None:
    """Write the page, after a run that is worth it."""
    if len(tries) < WORTH:
        return
    engine, compose = (
        docker("version", "--format", "{{.Server.Version}}"),
        docker("compose", "version", "--short"),
    )
    machine = f"{os.cpu_count()} cores, engine {engine}, compose {compose}"
    head = HEAD.format(n=len(tries), seed=seed, machine=machine, struck=sum(t.struck for t in tries))
    faults = "".join(
        f"| {name} | {len(of)} | {sum(t.struck for t in of)} | {_healed(of)} |\n"
        for name, of in _by(tries, lambda t: t.fault)
    )
    during = "".join(
        f"| {name} | {len(of)} | {_healed(of)} |\n"
        for name, of in _by(tries, lambda t: t.during or NOT_BEGUN)
    )
    PAGE.write_text(head + faults + DURING + during, encoding="utf-8")


def _by(tries: list[Try], key: Callable[[Try], str]) -> list[tuple[str, list[Try]]]:
    return [(name, [t for t in tries if key(t) == name]) for name in sorted({key(t) for t in tries})]


def _healed(tries: list[Try]) -> str:
    times = [t.heal for t in tries if not t.failed]
    figures = f"{statistics.median(times):.1f} ({max(times):.1f})" if times else "–"
    return f"{len(times)} | {figures}"
