"""The settings of a container in production: those of a preview, which `init` also writes into compose.prod.yaml.

What the compose file says applies exactly. A setting is added only if the file does not mention it, and a limit below `deploy`
if the file has others there: compose refuses `pids_limit` together with `deploy.resources.limits`, whatever that limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devctl.domain.dockerfile.runtime_bases import NONROOT
from devctl.domain.project.compose_model import Spec

MEMORY = 512 * 2**20
PRIVILEGES = "no-new-privileges"
Setting = str | int | bool | list[str]
_BELOW_DEPLOY = {"mem_limit": "memory", "pids_limit": "pids"}
SETTINGS: dict[str, Setting] = {
    "user": NONROOT,  # in a preview, the image's own user if it names one
    "read_only": True,
    "tmpfs": [
        "/tmp:size=64m,mode=1777"
    ],  # uploads are spilled there; what is written counts as the service's memory
    "cap_drop": ["ALL"],
    "security_opt": [f"{PRIVILEGES}:true"],
    "mem_limit": str(MEMORY),
    "pids_limit": 256,
    "restart": "unless-stopped",
}


def added(spec: Spec, *, user: str | None, copied_in: bool = False) -> dict[str, Any]:
    """What to add to a service of the compose file so that it runs as in production. `copied_in`: configs or secrets are
    copied into its container, whose root is then not made read-only."""
    settings = {**SETTINGS, **({"user": user} if user else {})}
    if copied_in:
        del settings["read_only"]
    found: dict[str, Any] = dict(_missing(spec, settings))
    deploy = spec.get("deploy") or {}
    resources = deploy.get("resources") or {}
    if limits := resources.get("limits"):
        more = {name: found.pop(key) for key, name in _BELOW_DEPLOY.items() if key in found}
        if more:
            found["deploy"] = {**deploy, "resources": {**resources, "limits": {**limits, **more}}}
    return found


def _missing(spec: Spec, settings: Mapping[str, Setting]) -> Iterator[tuple[str, Setting]]:
    deploy = spec.get("deploy") or {}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    options = list(spec.get("security_opt") or [])
    said = {
        "tmpfs": "/tmp" in _mounted(spec),
        "cap_drop": bool(spec.get("cap_drop") or spec.get("privileged")),
        "security_opt": any(str(option).startswith(PRIVILEGES) for option in options),
        "mem_limit": bool(spec.get("mem_limit") or limits.get("memory")),
        "pids_limit": bool(spec.get("pids_limit") or limits.get("pids")),
        "restart": bool(spec.get("restart") or deploy.get("restart_policy")),
    }
    for key, value in settings.items():
        if said.get(key, spec.get(key) is not None):
            continue
        yield key, [*(spec.get(key) or []), *value] if isinstance(value, list) else value


def _mounted(spec: Spec) -> Iterator[str]:
    for volume in spec.get("volumes") or []:
        yield str(volume.get("target")).rstrip("/")
    for path in spec.get("tmpfs") or []:
        yield str(path).partition(":")[0].rstrip("/")


def as_yaml() -> dict[str, str]:
    """Each key with its lines in a service of a compose file."""
    written = {**SETTINGS, "mem_limit": f"{MEMORY // 2**20}m"}
    return {key: f"    {key}:{_value(value)}" for key, value in written.items()}


def _value(value: Setting) -> str:
    if isinstance(value, list):
        return "\n" + "".join(f"      - {item}\n" for item in value)
    return f" {str(value).lower() if isinstance(value, bool) else value}\n"
