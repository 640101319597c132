"""Which ports of the host are taken, as `docker ps` writes them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

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
