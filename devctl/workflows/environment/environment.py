"""`devctl env`: what a program on the host, or a test in an editor, needs to reach the services in containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from devctl.domain.command.events import Outcome, Remark
from devctl.domain.command.requests import EnvRequest
from devctl.domain.compose.host_ports import published
from devctl.domain.environment.from_host import LOOPBACK, Reached, from_host
from devctl.domain.environment.shells import can_be_named, can_be_written, spoken
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.planner import Step
from devctl.domain.plan.render import FOR_AIR
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_model import Spec
from devctl.domain.project.model import Project
from devctl.workflows.project.load import load
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.session.steps import check_services, plan_outcome
from devctl.workflows.state.snapshot import url_of


def env(request: EnvRequest, box: Toolbox) -> Outcome:
    """The variables of a service, in the form for the host. Their values are the user's own, including secrets."""
    project = load(box, request.project)
    name = request.service or project.first.name
    check_services(project, [name])
    if request.dry_run:
        return plan_outcome([Step("read", name, f"for {request.form}")])
    observed = own_containers(box.files, box.engine, project)
    reached = tuple(_reached(project, observed))
    told = from_host(_variables(project, name), (r for r in reached if name not in r.names))
    variables = {**_addresses(project, observed, reached), **told.variables}
    named = {key: value for key, value in variables.items() if can_be_named(key)}
    kept = {key: value for key, value in named.items() if can_be_written(value, request.form)}
    for variable, host in told.hidden:
        box.reporter.emit(
            Remark(f"{variable}: {host} is only reachable from containers: its port is not published")
        )
    for variable in variables.keys() - named.keys():
        box.reporter.emit(Remark(f"{variable}: left out: not a valid name for a shell variable"))
    for variable in named.keys() - kept.keys():
        box.reporter.emit(Remark(f"{variable}: left out: an env file cannot contain its control characters"))
    result: dict[str, object] = {
        "service": name,
        "variables": kept,
        "hidden": [{"variable": variable, "address": host} for variable, host in told.hidden],
    }
    return Outcome(result=result, text=spoken(kept, request.form))


def _variables(project: Project, name: str) -> dict[str, str]:
    """The variables from the compose file and devctl.yaml; one without a value is already set in the caller's shell."""
    given = project.spec(name).get("environment") or {}
    found = {key: str(value) for key, value in given.items() if value is not None and key not in FOR_AIR}
    service = project.service(name)
    return found if service is None else {**found, **service.start.env}


def _reached(project: Project, observed: Observed) -> Iterator[Reached]:
    for name, spec in project.specs.items():
        yield Reached(_names(name, spec), _ports(name, spec, observed))


def _names(name: str, spec: Spec) -> tuple[str, ...]:
    """Names by which the other containers know it."""
    networks = spec.get("networks") or {}
    aliases = [a for n in networks.values() if n for a in n.get("aliases") or []]
    own = (spec.get(key) for key in ("container_name", "hostname"))
    return tuple(dict.fromkeys([name, *(str(each) for each in own if each), *map(str, aliases)]))


def _ports(name: str, spec: Spec, observed: Observed) -> Mapping[int, tuple[str, int]]:
    """Ports of the running container, else those that the compose file fixes."""
    container = observed.of(name)
    if container is not None and container.state == "running":
        there = {port: container.published(port) for port in container.ports}
        return {port: where for port, where in there.items() if where is not None}
    return {p.target: (LOOPBACK, p.hosts[0]) for p in published(spec) if len(p.hosts) == 1 and p.hosts[0]}


def _addresses(project: Project, observed: Observed, reached: tuple[Reached, ...]) -> dict[str, str]:
    """`SHOP_URL` for a Go service, `DB_ADDR` for another one, if they are published."""
    found: dict[str, str] = {}
    for service in reached:
        name = service.names[0]
        word = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).upper()
        container, own = observed.of(name), project.service(name)
        if own is not None and container is not None and (url := url_of(container, own)) is not None:
            found[f"{word}_URL"] = url
        elif own is None and service.ports:
            host, port = service.ports[min(service.ports)]
            found[f"{word}_ADDR"] = f"{host}:{port}"
    return {name: value for name, value in found.items() if can_be_named(name)}
