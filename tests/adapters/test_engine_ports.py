"""Which ports of the host are taken, as `docker ps` writes them; the files that say what listens in a container."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.adapters.docker.engine import EngineCli
from devctl.domain.ports.toolbox import Finished


def test_ranges_both_families_and_no_udp() -> None:
    rows = {
        "web": "0.0.0.0:8000-8002->8000-8002/tcp, :::8000-8002->8000-8002/tcp, 9000/tcp",
        "db": "127.0.0.1:5432->5432/tcp, [::1]:5433->5432/tcp",
        "dns": "0.0.0.0:53->53/udp",
    }
    lines = "\n".join(json.dumps({"Names": name, "Ports": ports}) for name, ports in rows.items())
    processes = SimpleNamespace(run=lambda argv, **how: Finished(0, lines, ""))
    used = EngineCli(cast("Any", processes)).ports_in_use()
    assert used == {8000: "web", 8001: "web", 8002: "web", 5432: "db", 5433: "db"}


def test_a_log_has_the_lines_of_both_streams_in_the_order_in_which_they_were_printed() -> None:
    out = "2026-01-01T10:00:00.000000002Z two\n2026-01-01T10:00:00.000000004Z four 4\n"
    err = "2026-01-01T10:00:00.000000001Z one\n2026-01-01T10:00:00.000000003Z \n"
    processes = SimpleNamespace(run=lambda argv, **how: Finished(0, out, err))
    assert EngineCli(cast("Any", processes)).logs("c1", tail=9) == "one\ntwo\n\nfour 4"
    gone = SimpleNamespace(run=lambda argv, **how: Finished(1, "", "No such container: c1"))
    assert EngineCli(cast("Any", gone)).logs("c1", tail=9) == "No such container: c1"


def test_files_of_a_container_come_in_one_call_without_those_that_are_no_files(tmp_path: Path) -> None:
    calls = []

    def run(argv: list[str], **how: object) -> Finished:
        calls.append(argv)
        done = subprocess.run(argv[argv.index("sh") :], capture_output=True, text=True)
        return Finished(done.returncode, done.stdout, "")

    engine = EngineCli(cast("Any", SimpleNamespace(run=run)))
    first, second, fifo = (str(tmp_path / name) for name in ("first", "second", "fifo"))
    os.mkfifo(fifo)
    assert engine.read_files("c1", first, fifo) is None
    Path(first).write_text("1\n")
    assert engine.read_files("c1", first, second, fifo) == engine.read_files("c1", second, first) == "1\n"
    Path(second).write_text("2\n")
    assert engine.read_files("c1", first, second) == "1\n2\n"
    assert len(calls) == 4


@pytest.mark.parametrize(
    ("said", "room"),
    [
        ("8 16777216000\n", (8, 16777216000)),
        ("", (1, 0)),
        ("<no value> 0", (1, 0)),
        ("no such field", (1, 0)),
    ],
)
def test_an_engine_that_does_not_say_how_large_it_is_has_room_for_one(
    said: str, room: tuple[int, int]
) -> None:
    processes = SimpleNamespace(run=lambda *words, **how: Finished(0, said, ""))
    assert EngineCli(cast("Any", processes)).room() == room
