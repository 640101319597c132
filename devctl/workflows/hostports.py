"""Which port of the host a service gets (CONTRACT, behaviour 3): the user's word is kept, ours is the next free one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from pathlib import Path

from devctl.domain.observed import Observed
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project, Service
from devctl.errors import MachineError, Problem
from devctl.workflows.find import compose_files

LOCALHOST = "127.0.0.1"
TRIES = 100
HOLDS_PORTS = ("running", "paused", "restarting")
# `${HOST_PORT:-8080}:8080`.
_VARIABLE = re.compile(r"\$\{?(?P<name>[A-Za-z_]\w*)(?:[:?+-][^}\n]*)?\}?:(?P<target>\d+)")


def choose_host_ports(box: Toolbox, project: Project, *, observed: Observed) -> dict[str, int | None]:
    """The host port of each service, no two the same, nor one that the compose file publishes. Raises as below."""
    published = (p.get("published") for spec in project.specs.values() for p in spec.get("ports") or [])
    taken = {int(port) for port in published if str(port or "").isdigit()}
    chosen: dict[str, int | None] = {}
    for service in project.services:
        port = choose_host_port(box, project, service, observed=observed, taken=taken)
        chosen[service.name] = port
        taken |= {port} if port is not None else set()
    return chosen


def choose_host_port(
    box: Toolbox, project: Project, service: Service, *, observed: Observed, taken: Collection[int] = ()
) -> int | None:
    """The host port of a service, None where it has no port. Raises MachineError `port-taken` for a port the user fixed.

    `taken`: what others of the project get.
    """
    if service.port is None:
        return None
    mine = observed.of(service.name)
    alive = mine is not None and mine.state in HOLDS_PORTS
    held = {port for _, port in mine.ports.values()} if mine is not None and alive else set()
    fixed = fixed_port(project, service)
    if fixed is not None:
        if fixed not in held:
            _must_be_free(box, project, service, port=fixed)
        return fixed
    remembered = mine.ports.get(service.port) if mine is not None else None
    again = remembered[1] if remembered is not None and remembered[1] not in taken else None
    if again is not None and (again in held or box.host.port_free(LOCALHOST, again)):
        return again
    return _next_free(box, service, service.port, taken)


def fixed_port(project: Project, service: Service) -> int | None:
    """The host port that the user's files name; None where the choice is ours."""
    if service.host_port is not None:
        return service.host_port
    for port in project.specs.get(service.name, {}).get("ports") or []:
        if port.get("target") == service.port and str(port.get("published", "")).isdigit():
            return int(port["published"])
    return None


def _must_be_free(box: Toolbox, project: Project, service: Service, *, port: int) -> None:
    holder = box.engine.ports_in_use().get(port)
    if holder is None and box.host.port_free(LOCALHOST, port):
        return
    who = f"container {holder}" if holder else "a process of this machine"
    raise MachineError(
        f"port {port} of the host is taken by {who}; {service.name} needs it",
        code="port-taken",
        hint=port_remedy(box, project, service, port=port, holder=holder),
        place=service.origins.get("host_port"),
    )


def port_remedy(box: Toolbox, project: Project, service: Service, *, port: int, holder: str | None) -> str:
    """The project's own way to another port first: what holds the old one may be somebody's work."""
    other = _free_after(box, port)
    end = f"docker stop {holder}" if holder else f"end what `ss -ltnp 'sport = :{port}'` shows"
    return f"{_other_port(box, project, service, other)}; or {end}"


def _other_port(box: Toolbox, project: Project, service: Service, port: int) -> str:
    if service.host_port is not None or not project.specs.get(service.name, {}).get("ports"):
        return f"devctl.yaml: services: {service.name}: host_port: {port}"
    for path in compose_files(box, Path(project.root)):
        found = _VARIABLE.search(box.files.read_text(path) or "")
        while found is not None and found["target"] != str(service.port):
            found = _VARIABLE.search(found.string, found.end())
        if found is not None:
            return f"{found['name']}={port} in {posixpath.normpath(f'{project.compose_dir}/.env')}"
    files = (path.relative_to(project.root).as_posix() for path in compose_files(box, Path(project.root)))
    name = next(files, "compose.yaml")
    return f'{name}: services: {service.name}: ports: "{LOCALHOST}:{port}:{service.port}"'


def _free_after(box: Toolbox, port: int) -> int:
    used = box.engine.ports_in_use()
    wanted = range(port + 1, port + 1 + TRIES)
    return next((p for p in wanted if p not in used and box.host.port_free(LOCALHOST, p)), port + 1)


def _next_free(box: Toolbox, service: Service, wanted: int, taken: Collection[int]) -> int:
    first = wanted if wanted >= 1024 else wanted + 8000
    used = {*box.engine.ports_in_use(), *taken}
    for port in range(first, first + TRIES):
        if port not in used and box.host.port_free(LOCALHOST, port):
            if port != first:
                box.reporter.warn(
                    Problem(
                        "port-moved",
                        f"port {first} is taken, {service.name} gets {port}",
                        f"devctl.yaml: services: {service.name}: host_port: fixes one",
                    )
                )
            return port
    raise MachineError(
        f"no free port from {first} to {first + TRIES - 1}",
        code="port-taken",
        hint=f"devctl.yaml: services: {service.name}: host_port: chooses another",
    )
