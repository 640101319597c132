"""Peers that a service cannot reach, by their names in the project: what runs beside it, and its variables."""

from __future__ import annotations

from msgspec.structs import replace

from devctl.domain.failures import Explained
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.peers import usual_port
from devctl.domain.ports.engine import Engine
from devctl.domain.project.model import Service
from devctl.domain.regex import regex

_CALLED = regex(r"dial tcp (?P<host>\[?[\w.:-]+?\]?):(?P<port>\d{1,5}): ")
_OWN = regex(r"localhost|127\.0\.0\.1|\[?::1\]?")


def by_name(
    engine: Engine, project: str, service: Service, container: Container, *, known: Explained, log: str
) -> Explained:
    called = _CALLED.search(log)
    if called is None or known.code not in ("dependency-on-localhost", "dependency-refuses"):
        return known
    host, port = called["host"], int(called["port"])
    others = [c for c in engine.containers(project).containers if c.service != service.name]
    if known.code == "dependency-refuses":
        peer = next((c for c in others if host in (c.service, *c.hosts)), None)
        if peer is None or peer.service is None:
            return known
        message = known.message.replace(f"{host}:{port}", f"{peer.service}:{port}")
        return replace(known, message=message, hint=known.hint.replace("{NAME:", f"{{{peer.service}:"))
    found = next(((c.service, own) for c in others if (own := _port_of(c, port)) is not None), None)
    names = [name for name, value in container.env.items() if _says(value, port)]
    if found is None:
        return known
    where = f"in {' and '.join(sorted(names))}" if names else "where it reads that address"
    variable, value = names[0] if names else "NAME", f"{found[0]}:{found[1]}"
    if names:
        value = _corrected(container.env[variable], port, *found)
    hint = (
        f"{found[0]} is {found[0]}:{found[1]} for {service.name}: set that {where}, in the compose file's `environment:` or "
        f"devctl.yaml: `services: {{{service.name}: {{env: {{{variable}: {value}}}}}}}`"
    )
    return replace(known, hint=hint)


def _port_of(container: Container, called: int) -> int | None:
    """The port of a container that a port of this machine, or its own, stands for."""
    for own, (_, published) in container.ports.items():
        if called in (own, published):
            return own
    usual = usual_port(container.image)
    return usual if usual == called else None


def _corrected(value: str, port: int, peer: str, own: int) -> str:
    """The value to write; nothing if it contains more than the address, which may be a secret."""
    if _OWN.fullmatch(value):
        return peer
    return f"{peer}:{own}" if _OWN.fullmatch(value.removesuffix(f":{port}")) else "…"


def _says(value: str, port: int) -> bool:
    """Whether the value of a variable contains the address: completely, or only the host."""
    own = _OWN.search(value)
    return own is not None and (f":{port}" in value or own[0] == value)
