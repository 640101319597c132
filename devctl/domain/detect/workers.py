"""Several services that run one program: those that only do work in the background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from devctl.domain.project.compose_model import Spec
from devctl.domain.project.config import Config
from devctl.domain.project.model import Service

_REACHED = ("ports", "expose", "healthcheck", "network_mode")


def without_port(
    services: Iterable[Service], specs: Mapping[str, Spec], config: Config
) -> tuple[Service, ...]:
    """The code listens, so each of its services seems to. If another service publishes the same program, one that is started
    with other words (`command: worker`) and that nothing in the compose file connects to need not listen: it is ready when it
    runs."""
    found = tuple(services)
    return tuple(_working(service) if _works(service, found, specs, config) else service for service in found)


def _works(service: Service, found: tuple[Service, ...], specs: Mapping[str, Spec], config: Config) -> bool:
    spec, said = specs[service.name], config.services.get(service.name)
    if any(spec.get(key) for key in _REACHED) or (said and (said.port or said.host_port or said.probe)):
        return False
    return any(
        (other.source.dir, other.source.main) == (service.source.dir, service.source.main)
        and specs[other.name].get("ports")
        and _words(specs[other.name]) != _words(spec)
        for other in found
    )


def _words(spec: Spec) -> tuple[object, object]:
    return spec.get("entrypoint"), spec.get("command")


def _working(service: Service) -> Service:
    why = "another service that runs this program is the published one"
    return replace(
        service,
        origins={**service.origins, "port": why, "probe": why},
        serve=replace(service.serve, port=None, host_port=None, probe="none"),
    )
