"""Checks of the engine, the docker command and its plugins."""

from __future__ import annotations

from devctl.domain.bases.references import stand_in
from devctl.domain.doctor.buildx import INSTALL_BUILDX, buildx_refused
from devctl.domain.doctor.check import Fix, check
from devctl.domain.doctor.facts import DEFAULT_ENDPOINT, DockerConfigFacts, MachineFacts
from devctl.domain.numbers import Version, version
from devctl.errors import Finding, fail, ok, warn

OLDEST_ENGINE: Version = (20, 10)
SLOW_DRIVERS = ("vfs", "devicemapper", "aufs")
USE_DEFAULT = "docker context use default"


DOCKER_CONFIG = Fix(
    "docker-config",
    lambda by: by.installer.fix_docker_config(by.facts.docker_config or DockerConfigFacts()),
    asks="Remove what no longer exists from docker's config.json (a copy of the file is kept beside it)?",
    alone=True,
)


@check(
    "docker-config",
    "helpers and context in docker's config.json",
    why="leftovers of an uninstalled Docker Desktop there break every pull and build",
)
def docker_config(facts: MachineFacts) -> Finding | None:
    """Judged without the engine: with a lost context no command can reach it."""
    config = facts.docker_config
    if config is None:
        return None
    if config.lost_context:
        what = f"{config.path} selects the context {config.lost_context}, whose engine is gone"
        return DOCKER_CONFIG.offer("fail", what, USE_DEFAULT)
    if config.lost_helpers:
        named = ", ".join(f"docker-credential-{name}" for name in config.lost_helpers)
        what = f"{config.path} refers to {named}, which is not installed: every access to a registry fails"
        return DOCKER_CONFIG.offer("warn", what, f"remove credsStore or credHelpers from {config.path}")
    if config.broken:
        what = f"{config.path} is not valid JSON: docker falls back to its defaults, without logins, proxies or context"
        return DOCKER_CONFIG.offer("warn", what, "fix that file")
    return ok("docker's config.json refers to nothing that is missing")


ENGINE = Fix(
    "engine",
    lambda by: by.installer.provide_engine(),
    asks="Install Docker (apt-get install docker.io) if it is missing, and start it?",
    unasked=True,
    alone=True,
)


@check("docker-cli", "the docker command", why="devctl does everything through it")
def docker_cli(facts: MachineFacts) -> Finding:
    if facts.docker_cli is None:
        return ENGINE.offer("fail", "the docker command is not installed")
    return ok(f"docker CLI {facts.docker_cli}")


@check("engine", "the engine behind the docker command", why="nothing runs without it")
def engine(facts: MachineFacts) -> Finding:
    if facts.engine is None:
        return _no_engine(facts)
    if not facts.podman and version(facts.engine) < OLDEST_ENGINE:
        return fail(f"engine {facts.engine} is older than 20.10", "upgrade Docker to 20.10 or newer")
    if facts.podman:
        return ok(f"podman {facts.engine} answers; it builds without BuildKit (DOCKER_BUILDKIT=0)")
    return ok(f"engine {facts.engine} answers")


def _no_engine(facts: MachineFacts) -> Finding:
    why = facts.engine_error.strip().splitlines()
    what = f"no engine answers: {why[-1]}" if why else "no engine answers"
    if facts.engine_denied:
        hint = "sudo usermod -aG docker $USER, then log in again (or now: newgrp docker)"
        return fail(f"permission denied while connecting to the Docker engine at {facts.cli_endpoint}", hint)
    if facts.docker_config is not None and facts.docker_config.lost_context:
        return fail(what, f"devctl doctor --fix --yes, or: {USE_DEFAULT}")
    # The user chose another engine with DOCKER_HOST or a context: installing one here is not what they want.
    if facts.cli_endpoint not in ("", DEFAULT_ENDPOINT):
        hint = f"start the engine at {facts.cli_endpoint}, or: unset DOCKER_HOST; docker context use default"
        return fail(what, hint)
    return ENGINE.offer("fail", what)


@check(
    "endpoint",
    "the engines that the CLI and the SDK use",
    why="two engines would have different images and containers",
)
def endpoint(facts: MachineFacts) -> Finding | None:
    if facts.engine is None:
        return None
    if facts.cli_engine_id != facts.sdk_engine_id:
        other = "another engine" if facts.sdk_engine_id else "no engine"
        return warn(
            f"the docker CLI uses {facts.cli_endpoint}, but the Docker SDK, which sizes and readiness checks need, uses {other}",
            f"export DOCKER_HOST={facts.cli_endpoint}",
        )
    context = f", context {facts.info.context}" if facts.info is not None else ""
    return ok(f"CLI and SDK use the same engine ({facts.cli_endpoint}{context})")


@check(
    "rootless",
    "who owns the files that containers create",
    why="you cannot edit or remove another user's files",
)
def rootless(facts: MachineFacts) -> Finding | None:
    """Judged by how a container's file appears on the host, if that was tried."""
    if facts.info is None:
        return None
    if not facts.info.rootless:
        return ok("the engine runs as root: user IDs in containers are those of the host")
    inside, tree = facts.inside, facts.tree
    if inside is not None and tree is not None and inside.made_by not in (None, tree.owner):
        hint = "use the engine that runs as root: docker context use default"
        return warn(
            "the engine is rootless, and files that containers create do not belong to the owner", hint
        )
    return ok("the engine is rootless")


@check(
    "storage",
    "the engine's storage driver",
    why="a driver without copy-on-write makes every build slow and large",
)
def storage(facts: MachineFacts) -> Finding | None:
    if facts.info is None or not facts.info.storage_driver:
        return None
    driver = facts.info.storage_driver
    if driver in SLOW_DRIVERS:
        hint = (
            '{"storage-driver": "overlay2"} in /etc/docker/daemon.json, then: sudo systemctl restart docker'
        )
        return warn(f"images are stored by {driver}, which copies whole files or layers", hint)
    return ok(f"images are stored by {driver}{' (containerd store)' if facts.info.containerd_store else ''}")


COMPOSE = Fix("compose", lambda by: by.installer.provide_compose())


@check("compose", "the compose plugin", why="devctl builds and starts services with it")
def compose(facts: MachineFacts) -> Finding | None:
    if facts.docker_cli is None:
        return None
    if facts.compose is None:
        return COMPOSE.offer("fail", "docker compose is not available")
    if version(facts.compose) < (2,):
        return fail(f"compose {facts.compose} is older than 2.0", "install the docker-compose-plugin package")
    return ok(f"compose {facts.compose}")


BUILDX = Fix(
    "buildx",
    lambda by: by.installer.provide_buildx(),
    asks="Install buildx (apt-get install docker-buildx-plugin or docker-buildx)?",
    alone=True,
)


@check(
    "buildx",
    "whether compose and buildx are compatible",
    why="compose refuses to build if buildx is too old",
)
def buildx(facts: MachineFacts) -> Finding | None:
    if facts.compose is None:
        return None
    refused = buildx_refused(facts.compose, facts.buildx)
    if refused is not None:
        return BUILDX.offer("fail", refused, INSTALL_BUILDX)
    if facts.buildx is None:
        return ok("no buildx; compose builds with its own BuildKit")
    return ok(f"buildx {facts.buildx}")


BASES = Fix("bases", command="devctl bases build")


@check("bases", "the images that the Dockerfile starts from", why="every build starts from them")
def bases(facts: MachineFacts) -> Finding | None:
    if facts.engine is None:
        return None
    missing = [base.ref for base in facts.bases if not base.present]
    lost = [ref for ref in missing if ref not in facts.pullable]
    if lost:
        what = f"not available locally or from a registry: {', '.join(lost)}"
        if any(stand_in(ref) is not None for ref in lost):
            return BASES.offer("fail", what)
        return fail(what, "load them: devctl bases load FILE, or docker load -i FILE")
    if missing:
        return ok(f"{', '.join(missing)} will be pulled from the registry when first needed")
    stood_in = sum(base.source == "assembled" for base in facts.bases)
    said = f", {stood_in} of them assembled stand-ins" if stood_in else ""
    return ok(f"{len(facts.bases)} base images are available locally{said}")
