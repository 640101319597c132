"""What of a compose file's hardening and limits a dev container leaves out: they are meant for the program, but a dev
container also compiles, writes a build cache, and executes what it has built (noexec is Docker's default for a tmpfs)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from devctl.domain.project.compose_model import Spec
from devctl.domain.project.container_files import STATE

_OF_THE_PROGRAM = (
    "read_only", "mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_quota", "cpu_period", "cpuset", "cpu_shares",
    "cpu_count", "cpu_percent", "pids_limit", "oom_kill_disable",
)  # fmt: skip
_OVER = ("/tmp", "/cache", "/dev/shm", "/go", "/root")
"""Where the compiler and its tools write; a user's tmpfs there is small, and nothing on it can be executed."""


def taken_back(spec: Spec) -> Iterator[tuple[str, object]]:
    """Key and value of what the dev container leaves out."""
    for key in _OF_THE_PROGRAM:
        if spec.get(key):
            yield key, spec[key]
    limits = ((spec.get("deploy") or {}).get("resources") or {}).get("limits")
    if limits:
        yield "deploy.resources.limits", limits
    for path in spec.get("tmpfs") or []:
        if _is_over(str(path).partition(":")[0]):
            yield "tmpfs", path
    for volume in spec.get("volumes") or []:
        if volume.get("type") == "tmpfs" and _is_over(str(volume.get("target"))):
            yield "volumes", volume["target"]


def relaxed(spec: Spec) -> dict[str, Any]:
    """The service without it."""
    left = {key: value for key, value in spec.items() if key not in _OF_THE_PROGRAM}
    if ((spec.get("deploy") or {}).get("resources") or {}).get("limits"):
        left["deploy"] = deepcopy(spec["deploy"])
        del left["deploy"]["resources"]["limits"]
    if "tmpfs" in left:
        left["tmpfs"] = [path for path in spec["tmpfs"] if not _is_over(str(path).partition(":")[0])]
    if "volumes" in left:
        left["volumes"] = [
            v for v in spec["volumes"] or [] if v.get("type") != "tmpfs" or not _is_over(str(v.get("target")))
        ]
    return left


def own_state(spec: Spec) -> list[str]:
    """What the reloader notes belongs to one container, also if something that others use too is mounted at /tmp."""
    shared = any(str(v.get("target")).rstrip("/") == "/tmp" for v in spec.get("volumes") or [])
    return [f"{STATE}:exec,mode=1777"] if shared else []


def _is_over(path: str) -> bool:
    return path.rstrip("/") in _OVER
