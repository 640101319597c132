"""Where the docker command finds the engine, and whether this user has permission to connect."""

from __future__ import annotations

import os
from pathlib import Path

from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Processes

SCHEME = "unix://"


def endpoint(processes: Processes, host: Host) -> str:
    """`unix:///var/run/docker.sock`, from DOCKER_HOST or the context; "" if docker does not say."""
    if named := host.env("DOCKER_HOST"):
        return named
    done = processes.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], timeout=10
    )
    return done.stdout.strip() if done.code == 0 else ""


def is_denied(endpoint: str) -> bool:
    """Whether there is a socket that this user may not connect to: connecting needs write permission (unix(7))."""
    if not endpoint.startswith(SCHEME):
        return False
    path = endpoint.removeprefix(SCHEME)
    try:
        Path(path).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.W_OK)
