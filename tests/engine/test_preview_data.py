"""Switching between dev and prod beside a real PostgreSQL, under writes: no acknowledged row is lost.

A run of the tests switches twenty times; `make bench` a hundred, which takes some minutes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, until
from tests.engine.conftest import Started
from tests.engine.ledger_project import LEDGER, Client
from tests.engine.postgres import postgres_image

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("switches", [20, pytest.param(100, marks=pytest.mark.bench)])
def test_switches_lose_no_acknowledged_row(project: Callable[..., Started], switches: int) -> None:
    postgres_image()
    made = project(LEDGER)
    made.devctl("-y", "up", "-d", "--no-watch")
    database, client = identity(made, "db"), Client(made.port)
    seen = {identity(made, "app")}

    with client.writing():
        for number in range(switches):
            made.devctl("-y", "prod-preview") if number % 2 == 0 else made.devctl("up", "-d", "--no-watch")
            before = len(client.kept)
            assert get(made.port) == "a ledger"
            seen.add(identity(made, "app"))
            assert identity(made, "db") == database
            until(lambda: len(client.kept) > before)  # noqa: B023 (called at once)

    rows = dict(line.split("|") for line in asked_of(made, "select n, uid from rows").splitlines())
    lost = sorted(n for n in client.kept if str(n) not in rows)
    assert not lost, f"acknowledged and not in the database: {lost[:20]}"
    assert {"65532"} < set(rows.values()), "both modes wrote"
    assert len(seen) == switches + 1, "each switch replaced the service's container"
    print(f"{switches} switches: {len(client.kept)} rows of {client.asked} requests, none lost")


def identity(project: Started, service: str) -> str:
    return docker("inspect", "-f", "{{.Id}}", f"{project.name}-{service}-1")


def asked_of(project: Started, query: str) -> str:
    psql = f'/usr/lib/postgresql/*/bin/psql -h /tmp -U shop postgres -Atc "{query}"'
    return docker("exec", f"{project.name}-db-1", "/bin/sh", "-c", psql)
