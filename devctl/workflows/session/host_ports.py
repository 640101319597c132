"""Which host port a service gets ("Ports" in docs/reference/behaviour.md): the user's is kept, devctl's is the next free one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from devctl.domain.compose.host_ports import Published, published
from devctl.domain.debug.debugging import read_label
from devctl.domain.plan.engine_state import DEBUG_LABEL, Observed
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_model import Model, Spec
from devctl.domain.project.model import Project, Service
from devctl.domain.regex import regex
from devctl.errors import DevctlError, MachineError, Problem
from devctl.workflows.project.find import named
from devctl.workflows.session.made_here import abandoned_containers

LOCALHOST = "127.0.0.1"
TRIES = 100
HOLDS_PORTS = ("running", "paused", "restarting")
_TAKEN = regex(r"\bport (\d+)(?: of the host)? is taken")
# `${HOST_PORT:-8080}:8080`.
_VARIABLE = regex(r"\$\{?(?P<name>[A-Za-z_]\w*)(?:[:?+-][^}\n]*)?\}?:(?P<target>\d+)")


def choose_host_ports(box: Toolbox, project: Project, *, observed: Observed) -> dict[str, int | None]:
    """The host port of each service, all different, and different from those that the compose file publishes."""
    taken = {host for spec in project.specs.values() for port in published(spec) for host in port.hosts}
    chosen: dict[str, int | None] = {}
    for service in project.services:
        port = _choose(box, project, service, observed=observed, taken=taken)
        chosen[service.name] = port
        taken |= {port} if port is not None else set()
    return chosen


def _choose(
    box: Toolbox, project: Project, service: Service, *, observed: Observed, taken: Collection[int]
) -> int | None:
    """The host port of a service, None if it has no port, or if the compose file leaves the choice to the engine.
    `check_host_ports` checks whether a port fixed by the user is free. `taken`: what other services of the project get."""
    if service.serve.port is None or project.spec(service.name).get("network_mode"):
        return None
    fixed = fixed_port(project, service)
    if fixed is not None or project.spec(service.name).get("ports"):
        return fixed
    mine = observed.of(service.name)
    alive = mine is not None and mine.state in HOLDS_PORTS
    held = {port for _, port in mine.ports.values()} if mine is not None and alive else set()
    remembered = mine.ports.get(service.serve.port) if mine is not None else None
    again = remembered[1] if remembered is not None and remembered[1] not in taken else None
    if again is not None and (again in held or box.host.port_free(LOCALHOST, again)):
        return again
    return _next_free(box, service, service.serve.port, taken)


def lost_to_another(project: Project, error: DevctlError, *, chosen: Mapping[str, int | None]) -> bool:
    """Whether a start failed for a host port that was free when devctl chose it: another program, perhaps a second `devctl
    up`, has taken it since. devctl does not change a port that the user's files name."""
    ours = {
        chosen.get(s.name)
        for s in project.services
        if fixed_port(project, s) is None and not project.spec(s.name).get("ports")
    }
    return taken_port(error) in ours - {None}


def taken_port(error: DevctlError) -> int | None:
    """The host port for which a start failed; None if it failed for another reason."""
    taken = _TAKEN.search(error.problem.message) if error.code == "port-taken" else None
    return int(taken[1]) if taken is not None else None


def fixed_port(project: Project, service: Service) -> int | None:
    """The host port that the user's files name; None if the choice is devctl's."""
    if service.serve.host_port is not None:
        return service.serve.host_port
    mine = published(project.spec(service.name))
    return next((p.hosts[0] for p in mine if p.target == service.serve.port and len(p.hosts) == 1), None)


def check_host_ports(
    box: Toolbox,
    project: Project,
    model: Model,
    *,
    starting: Collection[str],
    observed: Observed,
    former: Collection[str] = (),
) -> None:
    """Raise MachineError `port-taken` if a service in `starting` publishes a port that something else uses: including
    dependencies and second ports, as in `model`, and before anything is built. A container that compose no longer replaces
    counts as something else, unless it is of a `former` service, which goes first."""
    holders: dict[int, str] = {}
    for name in sorted(starting):
        for first in _fixed(model["services"].get(name) or {}):
            if holders.setdefault(first, name) != name:
                raise _published_twice(box, project, model, (holders[first], name), first)
    mine = [c for c in observed.containers if c.service in {*model["services"], *former}]
    alive = [c for c in mine if c.state in HOLDS_PORTS]
    own = {host for c in alive for _, host in c.ports.values()}
    for name in sorted(starting):
        for port in published(model["services"].get(name) or {}):
            if own.isdisjoint(port.hosts):
                debugger = _serves_debugger(model["services"].get(name) or {}, port.target)
                _must_be_free(box, project, name, port, own={c.name for c in mine}, debugger=debugger)


def _fixed(spec: Spec) -> set[int]:
    """The host ports that a service uses on this machine's loopback address, or on all addresses."""
    ports = spec.get("ports") or []
    mine = [p for p in ports if p.get("host_ip", LOCALHOST) in (LOCALHOST, "0.0.0.0", "")]  # read, not bound
    return {p.hosts[0] for p in published({"ports": mine}) if len(p.hosts) == 1}


def _published_twice(
    box: Toolbox, project: Project, model: Model, services: tuple[str, str], port: int
) -> MachineError:
    first, second = services
    targets = (p.target for p in published(project.spec(second)) if port in p.hosts)
    target = next(targets, port)
    other = _free_after(box.engine, box.host, port)
    return MachineError(
        f"{first} and {second} both publish port {port} of the host",
        code="port-taken",
        hint=_other_debugger_port(second, other)
        if _serves_debugger(model["services"][second], target)
        else _other_port(box.files, project, second, target, other),
        place=project.place(("services", second, "ports")),
    )


def _must_be_free(
    box: Toolbox, project: Project, name: str, port: Published, *, own: Collection[str], debugger: bool
) -> None:
    used = box.engine.ports_in_use()
    if any(used[p] in own if p in used else box.host.port_free(LOCALHOST, p) for p in port.hosts):
        return
    first, last = port.hosts[0], port.hosts[-1]
    holder = used.get(first)
    who = f"container {holder}" if holder else "a process on this machine"
    if _is_abandoned(box, holder):
        who += ", left over from a deleted project"
    said = f"port {first} of the host is" if first == last else f"ports {first} to {last} of the host are all"
    service = project.service(name)
    place = service.origins.get("host_port") if service is not None else None
    raise MachineError(
        f"{said} taken{f' by {who}' if first == last else ''}; {name} needs {'it' if first == last else 'one'}",
        code="port-taken",
        hint=_other_debugger_port(name, _free_after(box.engine, box.host, first))
        if debugger
        else port_remedy(box, project, name, port=first, target=port.target, holder=holder, after=last),
        place=None if debugger else place or project.place(("services", name, "ports")),
    )


def port_remedy(
    box: Toolbox, project: Project, name: str, *, port: int, target: int, holder: str | None, after: int = 0
) -> str:
    """First the project's own way to another port: what uses the old one may be somebody's work, unless nobody can reach that
    through its project any more."""
    if _is_abandoned(box, holder):
        return "devctl doctor --fix removes it"
    other = _free_after(box.engine, box.host, max(port, after))
    end = f"docker stop {holder}" if holder else f"stop the process that `ss -ltnp 'sport = :{port}'` shows"
    return f"{_other_port(box.files, project, name, target, other)}; or {end}"


def _is_abandoned(box: Toolbox, holder: str | None) -> bool:
    return holder is not None and any(c.name == holder for c in abandoned_containers(box))


def _serves_debugger(spec: Spec, target: int) -> bool:
    """Whether that is the port of the debugger, which no file names."""
    debugging = read_label(str((spec.get("labels") or {}).get(DEBUG_LABEL, "")))
    return debugging is not None and debugging.port == target


def _other_debugger_port(name: str, port: int) -> str:
    return f"devctl debug {name} --port {port}"


def _other_port(files: Files, project: Project, name: str, target: int, port: int) -> str:
    service = project.service(name)
    if service is not None and service.serve.host_port is not None and service.serve.port == target:
        return _in_config(name, port)
    for path in project.compose_paths:
        found = _VARIABLE.search(files.read_text(path, within=None) or "")
        while found is not None and found["target"] != str(target):
            found = _VARIABLE.search(found.string, found.end())
        if found is not None:
            return f"{found['name']}={port} in {named(project.root, project.env_files[-1])}"
    first = next(published(project.spec(name)), None)
    moves = service.serve.port if service is not None else first.target if first is not None else None
    if moves == target:
        return _in_config(name, port)
    file = next(iter(project.compose_files), "compose.yaml")
    return f'{file}: `services: {{{name}: {{ports: ["127.0.0.1:{port}:{target}"]}}}}`'


def _in_config(name: str, port: int) -> str:
    return f"devctl.yaml: `services: {{{name}: {{host_port: {port}}}}}`"


def _free_after(engine: Engine, host: Host, port: int) -> int:
    return free_port(engine, host, port + 1) or port + 1


def free_port(engine: Engine, host: Host, first: int, taken: Collection[int] = ()) -> int | None:
    """The first free host port from `first` on; None if TRIES in a row are taken."""
    used = {*engine.ports_in_use(), *taken}
    wanted = range(first, first + TRIES)
    return next((p for p in wanted if p not in used and host.port_free(LOCALHOST, p)), None)


def _next_free(box: Toolbox, service: Service, wanted: int, taken: Collection[int]) -> int:
    first = wanted if wanted >= 1024 else wanted + 8000
    port = free_port(box.engine, box.host, first, taken)
    if port is None:
        raise MachineError(
            f"no free port from {first} to {first + TRIES - 1}",
            code="port-taken",
            hint=f"{_in_config(service.name, first + TRIES)} chooses another",
        )
    if port != first:
        said, hint = (
            f"port {first} is taken; {service.name} uses {port} instead",
            _in_config(service.name, port),
        )
        box.reporter.warn(Problem("port-moved", said, f"{hint} pins a port"))
    return port
