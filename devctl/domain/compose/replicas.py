"""How many containers of a service the compose file asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def replicas(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each number that it names, with its key; compose refuses different ones."""
    for path, count in (
        (("deploy", "replicas"), (spec.get("deploy") or {}).get("replicas")),
        (("scale",), spec.get("scale")),
    ):
        if isinstance(count, int):
            yield path, count


def runs_none(spec: Mapping[str, Any]) -> bool:
    """Whether compose creates no container for it, however it is asked, and waits for none: `replicas: ${WORKERS:-0}`."""
    return any(count == 0 for _, count in replicas(spec))
