"""Commands inside a running service: exec, shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from devctl.domain.command.argv import docker
from devctl.domain.command.events import LogLine, Outcome
from devctl.domain.command.requests import ExecRequest, ShellRequest
from devctl.domain.dockerfile.runtime_bases import SHELL_BASE
from devctl.domain.plan.engine_state import TEMPORARY_LABEL, Container
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

MARK = "DEVCTL_EXEC"
"""The variable by which the processes that a command started are found in its container."""
TERMINAL = "--tty"


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
    name = request.service or project.first.name
    check_services(project, [name])
    container = running(box.files, box.engine, project, name)
    if request.dry_run:
        return plan_outcome([Step("exec", name, "sh")])
    if container.mode != "prod":
        return run_attached(box, name, ["exec"], container, ["sh"], json=False)
    argv = _sidecar(box, project, container)
    code = box.processes.attach(argv, stop=docker("rm", "--force", to=[_sidecar_name(box, project)]))
    return Outcome(result={"command_exit_code": code}, exit_code=code)


def _sidecar(box: Toolbox, project: Project, container: Container) -> list[str]:
    """The service's files are below /proc/1/root, which needs its user or SYS_PTRACE; nothing is added to its image."""
    shared = [f"--pid=container:{container.id}", f"--network=container:{container.id}"]
    rights = ["--user", "0:0", "--cap-add", "SYS_PTRACE"]
    hello = 'echo "the service is process 1; its files are in /proc/1/root"; exec sh'
    label = ["--name", _sidecar_name(box, project), *temporary(box.identity, project.name)]
    image = project.bases[SHELL_BASE]
    flags = ["--rm", *_input(box.host, json=False), *shared, *rights, *label]
    return docker("run", *flags, to=[image, "sh", "-c", hello])


def _sidecar_name(box: Toolbox, project: Project) -> str:
    return f"{project.name}-shell-{box.identity.temporary().get(TEMPORARY_LABEL, '')}"


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
    """With devctl's own input and output, or in JSON the output line by line. `tests`: any exit code other than 0 becomes 1."""
    given = _input(box.host, json=json)
    mark = "-".join(box.identity.temporary().values())
    argv = docker(*how, *given, "--env", f"{MARK}={mark}", to=[container.id, *command])

    def tell(stream: str, line: str) -> None:
        box.reporter.emit(LogLine(service, cast("Literal['stdout', 'stderr']", stream), line))

    # `docker exec` passes on no signal: what it started would keep running in the container.
    signal = "HUP" if TERMINAL in given else "INT"
    script = ["sh", "-c", box.templates.read("exec/stop"), "stop", f"{MARK}={mark}", signal]
    stop = docker("exec", "--detach", to=[container.id, *script])
    code = box.processes.attach(argv, stop=stop, on_line=tell if json else None)
    # docs/reference/exit-codes.md has one code for "tests failed".
    return Outcome(result={"command_exit_code": code}, exit_code=1 if tests and code else code)


def _input(host: Host, *, json: bool) -> list[str]:
    """What is typed or piped is passed in. The null device is not: an `exec --interactive` whose input ends before its process
    has started may wait for ever (https://github.com/containerd/containerd/issues/4489). JSON gets no terminal, which makes one
    stream of two."""
    interactive = ["--interactive"] if host.has_input() else []
    return [*interactive, *([TERMINAL] if host.interactive() and not json else [])]
