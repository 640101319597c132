"""Checks of outgoing connections: from a container to the Go proxy, from the engine to a registry."""

from __future__ import annotations

from devctl.domain.doctor.check import check
from devctl.domain.doctor.facts import InsideFacts, MachineFacts
from devctl.errors import Finding, ok, warn

SKEW_ALLOWED = 2.0
LOOPBACK = ("://127.", "://localhost", "://[::1]")
CERTIFICATE = ("x509:", "certificate")


@check("clock", "the time in a container", why="TLS and build caches depend on the time")
def clock(facts: MachineFacts) -> Finding | None:
    skew = facts.inside.clock_skew if facts.inside is not None else None
    if skew is None:
        return None
    if abs(skew) > SKEW_ALLOWED:
        hint = "restart the engine's machine, or there: sudo hwclock -s (sudo systemctl restart systemd-timesyncd)"
        ahead = "ahead of" if skew > 0 else "behind"
        return warn(f"a container's clock is {abs(skew):.0f} s {ahead} this machine's", hint)
    return ok("a container's clock agrees with this machine's")


@check("dns", "name resolution in a container", why="modules are downloaded inside the build")
def dns(facts: MachineFacts) -> Finding | None:
    said = facts.inside.dns if facts.inside is not None else None
    if said is None:
        return None
    if said:
        hint = '{"dns": ["ADDRESS"]} in /etc/docker/daemon.json, then: sudo systemctl restart docker'
        return warn(f"containers cannot resolve names: {said}", hint)
    return ok("containers can resolve names")


@check("go-proxy", "the Go proxy, as seen from a container", why="modules are downloaded inside the build")
def go_proxy(facts: MachineFacts) -> Finding | None:
    said = facts.inside.go_proxy if facts.inside is not None else None
    if said is None or facts.inside is None:
        return None
    if not said:
        return ok("containers can fetch modules from the Go proxy")
    if any(sign in said for sign in CERTIFICATE):
        hint = _trust_hint(facts, facts.inside)
        return warn(f"containers do not trust the Go proxy's certificate: {said}", hint)
    if facts.inside.dns:
        return warn(f"containers cannot reach the Go proxy: {said}", "fix name resolution first")
    hint = "ARG GOPROXY=https://PROXY,direct in the Dockerfile names a proxy that can be reached; with vendor/, none is needed"
    return warn(f"containers cannot reach the Go proxy: {said}", hint)


@check("registry", "a registry, as seen from the engine", why="missing base images are pulled from it")
def registry(facts: MachineFacts) -> Finding | None:
    if facts.registry_answers is None or facts.engine is None:
        return None
    if facts.registry_answers:
        return ok("the engine can reach a registry")
    if all(base.present for base in facts.bases):
        return ok(
            "the engine cannot reach a registry; not needed while the base images are available locally"
        )
    hint = "devctl.yaml: `bases: {mirror: HOST:PORT}` names one that answers; devctl bases load FILE works without a registry"
    return warn("the engine cannot reach a registry", hint)


@check(
    "proxy",
    "proxy variables of shell, engine and containers",
    why="a proxy known to only some of them makes builds fail half-way",
)
def proxy(facts: MachineFacts) -> Finding | None:
    if facts.proxies is None or facts.info is None:
        return None
    shell, containers = facts.proxies.shell, facts.proxies.containers
    engine = facts.info.https_proxy or facts.info.http_proxy
    if containers and any(place in containers for place in LOOPBACK):
        what = f"containers use the proxy {containers}, but in a container 127.0.0.1 is the container itself"
        return warn(
            what, "~/.docker/config.json: under `proxies`, use the proxy's address on the bridge or network"
        )
    reached = facts.inside is not None and facts.inside.go_proxy == ""
    if shell and not containers and not reached:
        what = f"this shell uses the proxy {shell}, but containers and builds do not"
        return warn(what, f'~/.docker/config.json: {{"proxies": {{"default": {_both(shell)}}}}}')
    if shell and not engine and facts.registry_answers is False:
        what = f"this shell uses the proxy {shell}, but the engine pulls without it"
        return warn(what, f'/etc/docker/daemon.json: {{"proxies": {_both(shell, dashed=True)}}}')
    used = [
        name for name, value in (("shell", shell), ("engine", engine), ("containers", containers)) if value
    ]
    return ok(f"proxy variables: {', '.join(used)}" if used else "no proxy is set, and none is needed")


def _both(address: str, *, dashed: bool = False) -> str:
    first, second = ("http-proxy", "https-proxy") if dashed else ("httpProxy", "httpsProxy")
    return f'{{"{first}": "{address}", "{second}": "{address}"}}'


@check(
    "ca-bundle",
    "the certificate authorities in the base image",
    why="behind a proxy that re-signs TLS, downloads fail without them",
)
def ca_bundle(facts: MachineFacts) -> Finding | None:
    """An administrator's certificates matter if the base lacks them and something is refused for that reason."""
    inside = facts.inside
    if inside is None or inside.ca_bundle is None or facts.ca_bundle is None:
        return None
    if not facts.own_cas:
        return ok("this machine has no certificate authorities of its own")
    if inside.ca_bundle == facts.ca_bundle:
        return ok(
            f"the {facts.own_cas} certificate authorities added to this machine are in the base image too"
        )
    if inside.go_proxy == "":
        return ok(
            "the base image and this machine have different certificate authorities, but the Go proxy is trusted"
        )
    what = f"{facts.own_cas} certificate authorities of this machine are not in {inside.image}"
    return warn(what, _trust_hint(facts, inside))


def _trust_hint(facts: MachineFacts, inside: InsideFacts) -> str:
    assembled = any(base.ref == inside.image and base.source == "assembled" for base in facts.bases)
    if assembled:
        return "devctl bases build rebuilds the base image with this machine's certificates"
    return "COPY the authority's certificate into /usr/local/share/ca-certificates of the base stage and RUN update-ca-certificates"


@check(
    "mtu",
    "the MTU of the bridge and of the outgoing interface",
    why="larger packets are dropped, and downloads hang half-way",
)
def mtu(facts: MachineFacts) -> Finding | None:
    inside = facts.inside.mtu if facts.inside is not None else None
    if inside is None or facts.host_mtu is None:
        return None
    if inside > facts.host_mtu:
        what = (
            f"containers send packets of up to {inside} bytes, but this machine's outgoing interface accepts at most "
            f"{facts.host_mtu}"
        )
        hint = f'{{"mtu": {facts.host_mtu}}} in /etc/docker/daemon.json, then: sudo systemctl restart docker'
        return warn(what, hint)
    return ok(f"MTU {inside} in containers, {facts.host_mtu} on the outgoing interface")
