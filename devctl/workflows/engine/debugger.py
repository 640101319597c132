"""Delve, installed into the volume of compiled packages by the first who debugs: nobody else pays for it."""

from __future__ import annotations

from devctl.domain.command.argv import docker, mount
from devctl.domain.debug.debugging import DELVE
from devctl.domain.failures.places import telling_line
from devctl.domain.plan.render import CACHE_TARGET
from devctl.domain.plan.run import Run
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import MachineError
from devctl.workflows.engine.network_holder import temporary
from devctl.workflows.session.private_modules import go_settings
from devctl.workflows.session.session import Session, debug_scripts
from devctl.workflows.session.steps import Steps

WITHIN = 900.0
"""Seconds: it is compiled, which takes minutes on a slow machine."""
OLD_GO, OTHER_PROCESSOR = 3, 4
"""The exit code of templates/debug/install if no delve can be built."""
_OF_A_PROXY = (
    "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


def ensure_debugger(box: Toolbox, session: Session, steps: Steps) -> None:
    """Called when the images have been built and nothing that runs was touched. Raises MachineError `debugger-not-installed`."""
    starting = set(session.starting)
    for run in session.runs:
        if run.debugging is not None and run.service in starting:
            with steps.step("debugger", "delve, compiled once and cached", service=run.service):
                _install(box, session, run)


def _install(box: Toolbox, session: Session, run: Run) -> None:
    """With the Go of the dev image, as the dev container's user, and with its proxy settings."""
    project, scripts = session.project, debug_scripts(box.templates)
    said = session.model["services"][run.service].get("environment") or {}
    settings = go_settings(box.files, box.host) | {k: str(v) for k, v in said.items() if k in _OF_A_PROXY}
    flags = ["--rm", "--init", *temporary(box.identity, project.name)]
    flags += [mount("volume", project.cache_volume, CACHE_TARGET)]
    flags += ["--user", run.user] if run.user else []
    # Not as arguments: all users of the machine can see those, and the address of a proxy may contain a password.
    flags += ["--env-file", "/dev/stdin"]
    flags += ["--workdir", "/", "--entrypoint", "sh"]
    versions = " ".join(f"{minor}:{version}" for minor, version in DELVE)
    words = ["-c", box.templates.read("debug/install"), "install", run.debugger, versions]
    words += [word for item in scripts.items() for word in item]
    lines = "".join(f"{key}={value}\n" for key, value in settings.items() if "\n" not in value)
    argv = docker("run", *flags, to=[run.image, *words])
    done = box.processes.run(argv, cwd=session.root, stdin=lines.encode(), timeout=WITHIN)
    if done.code != 0:
        raise _refused(done.code, done.output.strip())


def _refused(code: int, output: str) -> MachineError:
    said = telling_line(output) or output.rpartition("\n")[2]
    hint = "it is downloaded once from the Go proxy: `go env -w GOPROXY=…` names one that can be reached; then devctl debug"
    if code == OLD_GO:
        hint = "use a newer golang image in the Dockerfile; then devctl debug"
    if code == OTHER_PROCESSOR:
        hint = "debug on amd64, arm64, 386, ppc64le, riscv64 or loong64"
    return MachineError(
        f"delve could not be installed: {said}",
        code="debugger-not-installed",
        hint=hint,
        detail=output if output != said else "",
    )
