"""The ports of the host that a compose service publishes, however they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from devctl.domain.project.compose_model import Spec
from devctl.domain.regex import regex

_RANGE = regex(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?")


class Published(Struct, frozen=True):
    """`hosts`: one port, or those from which the engine takes a free one (`9000-9005:80`)."""

    target: int
    hosts: range


def port_range(text: str) -> range:
    """`8000` and `8000-8010`; empty for anything else."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return range(0)
    return range(int(found["first"]), int(found["last"] or found["first"]) + 1)


def moved(ports: Sequence[Mapping[str, Any]], host: int) -> list[dict[str, Any]]:
    """The ports of a resolved service, with the first one that it publishes over TCP moved to another port of the host."""
    before = next(
        (p.get("published") for p in ports if p.get("published") and p.get("protocol", "tcp") == "tcp"), None
    )
    if before is None:
        return [dict(port) for port in ports]
    # One port on two addresses is still one port.
    return [
        {**port, "published": str(host)} if port.get("published") == before else dict(port) for port in ports
    ]


def published(spec: Spec) -> Iterator[Published]:
    """For a resolved service: compose turned every short form into one entry, and `8000-8003:8000-8003` into one per port. TCP
    only: the same number in UDP is another port."""
    for port in spec.get("ports") or []:
        hosts = port_range(str(port.get("published") or ""))
        if hosts and port.get("protocol", "tcp") == "tcp":
            yield Published(int(port.get("target") or 0), hosts)
