"""What this machine knows about private modules: Go's settings, and the file with the passwords, which no layer may contain."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace

from devctl.domain.plan.run import Run
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.regex import regex
from devctl.workflows.project.users_dockerfile import written_text

SETTINGS = ("GOPROXY", "GOSUMDB", "GOPRIVATE")
"""Build arguments of devctl's Dockerfile; they end up in the history of a build stage, so no password goes there."""
_ARG = regex(rf"^\s*ARG\s+({'|'.join(SETTINGS)})\s*$", re.MULTILINE | re.IGNORECASE)
_SECRET = regex(r"--mount=type=secret,(?:[\w=/.-]+,)*id=([\w.-]+)")
# A proxy that the build can reach, without a password in its address.
_PROXY = regex(r"https?://(?!localhost|127\.|\[::1\])[^/@\s]+(?:/[^@\s]*)?")


def with_access(box: Toolbox, project: Project, run: Run) -> Run:
    """The run with what its build needs to fetch private modules. A user's Dockerfile gets what it asks for by name, unless
    its compose file provides it: one that `init` wrote asks for the same as devctl's; so does a dev stage derived from it."""
    settings = go_settings(box.files, box.host)
    files, ssh = secrets(box.files, box.host, settings), lends_ssh(box.files, box.host, settings)
    if run.written is not None:
        text = written_text(box.files, project, run)
        given = said_args(project, run.service)
        asked = {*_ARG.findall(text)} - set(given)
        settings = {name: value for name, value in settings.items() if name in asked}
        files = {name: path for name, path in files.items() if name in _SECRET.findall(text)}
        ssh = ssh and "--mount=type=ssh" in text
    return replace(run, args={**settings, **run.args}, secrets=files, ssh=ssh)


def said_args(project: Project, service: str) -> dict[str, str]:
    """The build arguments of the compose file."""
    build = project.spec(service).get("build")
    said = build.get("args") if isinstance(build, dict) else None
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}


def go_settings(files: Files, host: Host) -> dict[str, str]:
    """Those that the host sets, as a variable or with `go env -w`; Go's defaults are not repeated."""
    home = host.env("HOME") or "/"
    config = host.env("XDG_CONFIG_HOME") or f"{home}/.config"
    text = files.read_text(Path(host.env("GOENV") or f"{config}/go/env"), within=None) or ""
    written = dict(line.partition("=")[::2] for line in text.splitlines())
    told = {name: host.env(name) or written.get(name, "") for name in SETTINGS}
    if not _PROXY.fullmatch(told["GOPROXY"].partition(",")[0]):
        told["GOPROXY"] = ""
    return {name: value for name, value in told.items() if value}


def secrets(files: Files, host: Host, settings: dict[str, str]) -> dict[str, str]:
    """Files with keys, if modules are private: because of GOPRIVATE, or of a private proxy (which needs only a password)."""
    home = host.env("HOME") or "/"
    found = {}
    if settings.keys() & {"GOPRIVATE", "GOPROXY"}:
        found["netrc"] = host.env("NETRC") or f"{home}/.netrc"
    if "GOPRIVATE" in settings:
        config = host.env("XDG_CONFIG_HOME") or f"{home}/.config"
        ours = (path for path in (f"{home}/.gitconfig", f"{config}/git/config") if _rewrites(files, path))
        found["gitconfig"] = next(ours, "")
        found["known_hosts"] = f"{home}/.ssh/known_hosts"
    return {name: path for name, path in found.items() if path and files.exists(Path(path))}


def _rewrites(files: Files, path: str) -> bool:
    """Whether git is configured there to use other addresses: those with ssh, or with a token. Nothing else in it is needed."""
    return "insteadof" in (files.read_text(Path(path), within=None) or "").lower()


def lends_ssh(files: Files, host: Host, settings: dict[str, str]) -> bool:
    """Compose refuses `ssh: [default]` if no agent runs."""
    agent = host.env("SSH_AUTH_SOCK")
    return "GOPRIVATE" in settings and bool(agent) and files.exists(Path(agent or ""))
