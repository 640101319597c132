"""Checks of the engine, of docker's command and of its plugins."""

from __future__ import annotations

from devctl.domain.bases import stand_in
from devctl.domain.check_facts import DEFAULT_ENDPOINT, MachineFacts
from devctl.domain.verdicts import CONSENT_HINT, FIX_HINT, Check, Verdict, Version, ok, version

OLDEST_ENGINE: Version = (20, 10)
OLDEST_BUILDX: Version = (0, 17)
COMPOSE_NEEDS_BUILDX: Version = (5,)
SLOW_DRIVERS = ("vfs", "devicemapper", "aufs")
USE_DEFAULT = "docker context use default"
INSTALL_BUILDX = (
    "install the docker-buildx package (docker-buildx-plugin from Docker's own repository), 0.17 or newer"
)


def docker_cli(facts: MachineFacts) -> Verdict:
    if facts.docker_cli is None:
        return Verdict("fail", "the docker command is not installed", FIX_HINT, "engine")
    return ok(f"docker CLI {facts.docker_cli}")


def engine(facts: MachineFacts) -> Verdict:
    if facts.engine is None:
        return _no_engine(facts)
    if not facts.podman and version(facts.engine) < OLDEST_ENGINE:
        return Verdict(
            "fail", f"engine {facts.engine} is older than 20.10", "upgrade Docker to 20.10 or newer"
        )
    if facts.podman and not facts.buildkit_off:
        return Verdict(
            "warn", f"podman {facts.engine} has no BuildKit of its own", "export DOCKER_BUILDKIT=0"
        )
    return ok(f"{'podman' if facts.podman else 'engine'} {facts.engine} answers")


def _no_engine(facts: MachineFacts) -> Verdict:
    why = facts.engine_error.strip().splitlines()
    what = f"no engine answers: {why[-1]}" if why else "no engine answers"
    if "permission denied" in facts.engine_error.lower():
        hint = "sudo usermod -aG docker $USER, then log in again (or now: newgrp docker)"
        return Verdict("fail", f"this user may not speak to the engine: {why[-1]}", hint)
    if facts.docker_config is not None and facts.docker_config.lost_context:
        return Verdict("fail", what, f"{CONSENT_HINT}, or: {USE_DEFAULT}")
    # Someone chose another engine by DOCKER_HOST or a context: installing one here would not be what they meant.
    if facts.cli_endpoint not in ("", DEFAULT_ENDPOINT):
        hint = f"start the engine at {facts.cli_endpoint}, or: unset DOCKER_HOST; docker context use default"
        return Verdict("fail", what, hint)
    return Verdict("fail", what, FIX_HINT, "engine")


def docker_config(facts: MachineFacts) -> Verdict | None:
    """Judged without the engine: a lost context keeps every command from it."""
    config = facts.docker_config
    if config is None:
        return None
    if config.lost_context:
        what = f"{config.path} asks for the context {config.lost_context}, whose engine is gone"
        return Verdict("fail", what, f"{CONSENT_HINT}, or: {USE_DEFAULT}", "docker-config")
    if config.lost_helpers:
        named = ", ".join(f"docker-credential-{name}" for name in config.lost_helpers)
        what = f"{config.path} names {named}, which is not installed: what asks a registry fails over it"
        by_hand = f"take credsStore or credHelpers out of {config.path}"
        return Verdict("warn", what, f"{CONSENT_HINT}, or: {by_hand}", "docker-config")
    if config.broken:
        what = f"{config.path} is no JSON: docker goes by its defaults, without logins, proxies and context"
        return Verdict("warn", what, f"{CONSENT_HINT}, or mend that file", "docker-config")
    return ok("docker's config.json names nothing that is gone")


def endpoint(facts: MachineFacts) -> Verdict | None:
    if facts.engine is None:
        return None
    if facts.cli_engine_id != facts.sdk_engine_id:
        other = "another engine" if facts.sdk_engine_id else "no engine"
        return Verdict(
            "warn",
            f"the docker CLI speaks to {facts.cli_endpoint}, the Docker SDK to {other}: sizes and readiness checks need it",
            f"export DOCKER_HOST={facts.cli_endpoint}",
        )
    context = f", context {facts.info.context}" if facts.info is not None else ""
    return ok(f"CLI and SDK speak to the same engine ({facts.cli_endpoint}{context})")


def rootless(facts: MachineFacts) -> Verdict | None:
    """Judged by what a container's file looks like on the host, where that was tried."""
    if facts.info is None:
        return None
    if not facts.info.rootless:
        return ok("the engine runs as root: users in containers are those of the host")
    inside, tree = facts.inside, facts.tree
    if inside is not None and tree is not None and inside.made_by not in (None, tree.owner):
        hint = "use the engine of root: docker context use default; or podman with --userns=keep-id"
        return Verdict("warn", "the engine is rootless, and a container's files are not the owner's", hint)
    return ok("the engine is rootless")


def storage(facts: MachineFacts) -> Verdict | None:
    if facts.info is None or not facts.info.storage_driver:
        return None
    driver = facts.info.storage_driver
    if driver in SLOW_DRIVERS:
        hint = (
            '{"storage-driver": "overlay2"} in /etc/docker/daemon.json, then: sudo systemctl restart docker'
        )
        return Verdict("warn", f"images are kept by {driver}, which copies whole files or layers", hint)
    return ok(f"images are kept by {driver}{' (containerd store)' if facts.info.containerd_store else ''}")


def compose(facts: MachineFacts) -> Verdict | None:
    if facts.docker_cli is None:
        return None
    if facts.compose is None:
        return Verdict("fail", "docker compose is not available", FIX_HINT, "compose")
    if version(facts.compose) < (2,):
        return Verdict(
            "fail", f"compose {facts.compose} is older than 2.0", "install the docker-compose-plugin package"
        )
    return ok(f"compose {facts.compose}")


def buildx(facts: MachineFacts) -> Verdict | None:
    if facts.compose is None:
        return None
    found = None if facts.buildx is None else version(facts.buildx)
    if found is not None and found < OLDEST_BUILDX:
        what = f"compose {facts.compose} refuses buildx {facts.buildx}: it needs 0.17"
        return Verdict("fail", what, INSTALL_BUILDX)
    if found is None and version(facts.compose) >= COMPOSE_NEEDS_BUILDX:
        what = f"compose {facts.compose} builds only with buildx, which is not installed"
        return Verdict("fail", what, INSTALL_BUILDX)
    if found is None:
        return ok("no buildx; compose builds with its own BuildKit")
    return ok(f"buildx {facts.buildx}")


def bases(facts: MachineFacts) -> Verdict | None:
    if facts.engine is None:
        return None
    missing = [base.ref for base in facts.bases if not base.present]
    lost = [ref for ref in missing if ref not in facts.pullable]
    if lost:
        what = f"not here, and no registry has them for us: {', '.join(lost)}"
        if any(stand_in(ref) is not None for ref in lost):
            return Verdict("fail", what, "devctl bases build", "bases")
        return Verdict("fail", what, "load them: devctl bases load FILE, or docker load -i FILE")
    if missing:
        return ok(f"{', '.join(missing)} will be pulled when first needed: a registry answers")
    stood_in = sum(base.source == "assembled" for base in facts.bases)
    said = f", {stood_in} of them assembled stand-ins" if stood_in else ""
    return ok(f"{len(facts.bases)} base images are here{said}")


ENGINE_CHECKS: tuple[Check, ...] = (
    Check("docker-cli", "the docker command", "devctl does its work through it", docker_cli),
    Check(
        "docker-config",
        "helpers and context in docker's config.json",
        "what an uninstalled Docker Desktop leaves there keeps every pull and build from working",
        docker_config,
    ),
    Check("engine", "the engine behind the docker command", "without one nothing runs", engine),
    Check(
        "endpoint",
        "which engine the CLI and the SDK find",
        "two engines would show two different worlds",
        endpoint,
    ),
    Check(
        "rootless",
        "whose the files are that containers make",
        "files of another user cannot be edited or removed by you",
        rootless,
    ),
    Check(
        "storage",
        "how the engine keeps images",
        "a driver without copy-on-write makes every build slow and large",
        storage,
    ),
    Check("compose", "the compose plugin", "builds and starts go through it", compose),
    Check("buildx", "whether compose and buildx fit", "compose refuses to build with one too old", buildx),
    Check("bases", "the images that the Dockerfile starts from", "a build needs them first", bases),
)
