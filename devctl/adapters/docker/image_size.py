"""What an image contains, in bytes: the same on every image store."""

from __future__ import annotations

import contextlib
from typing import Any

from devctl.adapters.docker.differences import Differences
from devctl.adapters.docker.layers import layers_of
from devctl.adapters.system.border import MustStart
from devctl.domain.command.argv import docker
from devctl.domain.numbers import whole


def content_bytes(processes: MustStart, differences: Differences, ref: str) -> int | None:
    """None if there is no such image. Where its history does not tell, the image is read through the SDK."""
    if not differences.history_tells_contents():
        return _read(ref)
    done = processes.run(docker("history", "--human=false", "--format", "{{.Size}}", to=[ref]))
    return sum(whole(line) or 0 for line in done.stdout.split()) if done.code == 0 else None


def _read(ref: str) -> int | None:
    import docker as sdk
    import requests
    from docker.errors import DockerException

    try:
        with contextlib.closing(sdk.from_env()) as client:
            api: Any = client.api
            return sum(layer.size_bytes for layer in layers_of(client, ref, history=api.history(ref)))
    except (DockerException, requests.exceptions.RequestException):
        return None
