"""Where docker's command finds the engine, and whether this user may speak to it."""

from __future__ import annotations

import os
from pathlib import Path

from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Processes

SCHEME = "unix://"


def endpoint(processes: Processes, host: Host) -> str:
    """`unix:///var/run/docker.sock`, by DOCKER_HOST or the context; "" where docker does not say."""
    if named := host.env("DOCKER_HOST"):
        return named
    done = processes.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], timeout=10
    )
    return done.stdout.strip() if done.code == 0 else ""


def is_denied(endpoint: str) -> bool:
    """Whether a socket is there that this user may not speak through: connecting takes the right to write to it (unix(7))."""
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
