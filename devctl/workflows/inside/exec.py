"""Commands inside a running service: exec, shell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from devctl.domain.command.argv import docker
from devctl.domain.command.events import LogLine, Outcome
from devctl.domain.command.requests import ExecRequest, ShellRequest
from devctl.domain.dockerfile.runtime_bases import SHELL_BASE
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.planner import Step
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import UsageError
from devctl.workflows.engine.network_holder import temporary
from devctl.workflows.project.load import load
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.session.steps import check_services, plan_outcome


def exec_(request: ExecRequest, box: Toolbox) -> Outcome:
    """Run a command in a service; its exit code is passed on."""
    project = load(box, request.project)
    check_services(project, [request.service])
    container = running(box.files, box.engine, project, request.service)
    if request.dry_run:
        return plan_outcome([Step("exec", request.service, " ".join(request.command))])
    return run_attached(box, request.service, ["exec"], container, request.command, json=request.json)


def shell(request: ShellRequest, box: Toolbox) -> Outcome:
    """A shell in the service; if its image has none, a sidecar that shares its processes and network."""
    project = load(box, request.project)
    name = request.service or project.services[0].name
    check_services(project, [name])
    container = running(box.files, box.engine, project, name)
    if request.dry_run:
        return plan_outcome([Step("exec", name, "sh")])
    if container.mode != "prod":
        return run_attached(box, name, ["exec"], container, ["sh"], json=False)
    code = box.processes.attach(_sidecar(box, project, container))
    return Outcome(result={"command_exit_code": code}, exit_code=code)


def _sidecar(box: Toolbox, project: Project, container: Container) -> list[str]:
    """The service's files are below /proc/1/root, which needs its user or SYS_PTRACE; nothing is added to its image."""
    shared = [f"--pid=container:{container.id}", f"--network=container:{container.id}"]
    rights = ["--user", "0:0", "--cap-add", "SYS_PTRACE"]
    hello = 'echo "the service is process 1; its files are in /proc/1/root"; exec sh'
    label = temporary(box.identity, project.name)
    image = project.bases[SHELL_BASE]
    flags = ["--rm", *_input(box.host), *shared, *rights, *label]
    return docker("run", *flags, to=[image, "sh", "-c", hello])


def running(files: Files, engine: Engine, project: Project, service: str) -> Container:
    """The service's running container, or UsageError `not-running`."""
    container = own_containers(files, engine, project).of(service)
    if container is None or container.state != "running":
        raise UsageError(f"{service} is not running", code="not-running", hint="devctl up -d")
    return container


def run_attached(
    box: Toolbox,
    service: str,
    how: Sequence[str],
    container: Container,
    command: Sequence[str],
    *,
    json: bool,
    tests: bool = False,
) -> Outcome:
    """With devctl's own terminal, or in JSON line by line. `tests`: any exit code other than 0 becomes 1."""
    if json:
        done = box.processes.run(
            docker(*how, to=[container.id, *command]),
            on_line=lambda line: box.reporter.emit(LogLine(service, "stdout", line)),
            timeout=math.inf,  # it is the user's own, and blocks nobody
        )
        code = done.code
    else:
        code = box.processes.attach(docker(*how, *_input(box.host), to=[container.id, *command]))
    # docs/reference/exit-codes.md has one code for "tests failed".
    return Outcome(result={"command_exit_code": code}, exit_code=1 if tests and code else code)


def _input(host: Host) -> list[str]:
    """What is typed or piped is passed in. The null device is not: an `exec --interactive` whose input ends before its process
    has started may wait for ever (https://github.com/containerd/containerd/issues/4489)."""
    interactive = ["--interactive"] if host.has_input() else []
    return [*interactive, *(["--tty"] if host.interactive() else [])]
