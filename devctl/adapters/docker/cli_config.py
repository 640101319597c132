"""The docker command's own configuration (~/.docker/config.json): finds and fixes references to things that no longer exist."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.host import home_folder
from devctl.domain.doctor.facts import DockerConfigFacts
from devctl.domain.ports.host import Host
from devctl.errors import MachineError

HELPER = "docker-credential-"
COPY = "config.json.before-devctl"
ASIDE = "config.json.broken"
UNIX = "unix://"


def folder_of(host: Host) -> Path:
    return Path(host.env("DOCKER_CONFIG") or home_folder() / ".docker")


def look(folder: Path, *, env: Callable[[str], str | None]) -> DockerConfigFacts:
    """A context counts only if neither DOCKER_HOST nor DOCKER_CONTEXT overrides it."""
    path = folder / "config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return DockerConfigFacts(str(path))
    except ValueError:
        return DockerConfigFacts(str(path), broken=True)
    if not isinstance(said, dict):
        return DockerConfigFacts(str(path), broken=True)
    context = "" if env("DOCKER_HOST") or env("DOCKER_CONTEXT") else str(said.get("currentContext") or "")
    return DockerConfigFacts(
        str(path),
        proxy=_proxy(said),
        lost_helpers=tuple(sorted({name for name in _helpers(said) if not shutil.which(HELPER + name)})),
        lost_context=context if context not in ("", "default") and _is_lost(folder, context) else "",
    )


def fix(facts: DockerConfigFacts) -> str:
    """The original file is kept beside it: other machines with the same home may have the helper."""
    path = Path(facts.path)
    try:
        if facts.broken:
            path.replace(path.with_name(ASIDE))
            return f"moved {path} to {ASIDE}; docker now uses its defaults"
        return _without_what_is_lost(path, facts)
    except OSError as error:
        raise MachineError(
            f"{path} could not be changed: {error.strerror}", code="not-fixed", hint=f"fix {path}"
        ) from None


def _without_what_is_lost(path: Path, facts: DockerConfigFacts) -> str:
    text = path.read_text(encoding="utf-8")
    said: dict[str, Any] = json.loads(text)
    if said.get("credsStore") in facts.lost_helpers:
        del said["credsStore"]
    kept = {k: v for k, v in (said.get("credHelpers") or {}).items() if v not in facts.lost_helpers}
    if "credHelpers" in said:
        said["credHelpers"] = kept
    if facts.lost_context:
        del said["currentContext"]
    shutil.copy2(path, path.with_name(COPY))
    made = path.with_name(f".{path.name}.devctl")
    made.write_text(json.dumps(said, indent="\t") + "\n", encoding="utf-8")
    shutil.copystat(path, made)
    made.replace(path)
    took = [f"the credential helper {name}" for name in facts.lost_helpers]
    took += [f"the context {facts.lost_context}"] if facts.lost_context else []
    return f"took {' and '.join(took)} out of {path} (the original: {COPY})"


def _helpers(said: dict[str, Any]) -> list[str]:
    named = said.get("credHelpers")
    helpers = list(named.values()) if isinstance(named, dict) else []
    return [name for name in [said.get("credsStore"), *helpers] if isinstance(name, str) and name]


def _proxy(said: dict[str, Any]) -> str:
    """The proxies that containers get."""
    try:
        default = said["proxies"]["default"]
        return str(default.get("httpsProxy") or default.get("httpProxy") or "")
    except (KeyError, TypeError, AttributeError):
        return ""


def _is_lost(folder: Path, context: str) -> bool:
    """Its description is gone, or it names a socket that does not exist: what an uninstalled Docker Desktop leaves behind."""
    meta = folder / "contexts" / "meta" / hashlib.sha256(context.encode()).hexdigest() / "meta.json"
    try:
        named = str(json.loads(meta.read_text(encoding="utf-8"))["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return named.startswith(UNIX) and SystemFiles().gone(Path(named.removeprefix(UNIX)))
