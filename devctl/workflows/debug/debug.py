"""debug: `up` of one service whose program runs under delve, and an editor's configuration to connect to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import DebugRequest, UpRequest
from devctl.domain.compose.depends_on import jobs
from devctl.domain.compose.host_ports import published
from devctl.domain.debug.debugging import FIRST_PORT, Debugging
from devctl.domain.debug.editors import EDITORS, Connection
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.planner import Step
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.scaffold.texts import PlannedFile
from devctl.errors import MachineError, Problem, UsageError
from devctl.workflows.bases.go_base import resolve_bases
from devctl.workflows.dev.lifecycle import PORT_TRIES, debugging_these, up_locked
from devctl.workflows.project.dev_stage_fallback import noted_debugged
from devctl.workflows.session.host_ports import TRIES, free_port, taken_port
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.session.session import open_session
from devctl.workflows.session.steps import beside, check_services, only_warned, plan_outcome
from devctl.workflows.switch.lock import changing


def debug(request: DebugRequest, box: Toolbox) -> Outcome:
    """Ends with the next `up`, which runs the program without it."""
    with changing(box, request, "debug") as loaded:
        name = _chosen(loaded, request.services).name
        debugging = _debugging(box, loaded, name, request)
        if request.dry_run:
            project = resolve_bases(box, loaded, mode="dev", dry_run=True, services=(name,))
            plan = open_session(box, project, mode="dev", only=(name,), debugged={name: debugging}).plan()
            target = _target(project, name, debugging)
            planned = _planned(box, project, request, target)
            writes = request.write and planned is not None and planned.action == "written"
            written = [Step("write", None, planned.path)] if planned is not None and writes else []
            return plan_outcome([*plan, *written])
        with _noted(box, loaded, name) as again:
            # Before anything is switched: an editor's file that cannot be read ends the command.
            target = _target(again, name, debugging)
            _planned(box, again, request, target)
            project = resolve_bases(box, again, mode="dev", assemble=request.yes, services=(name,))
            _warn_of_networks(box, project, name)
            outcome, debugging = _up(box, project, request, name, debugging)
        target = _target(project, name, debugging)
        return _told(box, project, request, target, outcome)


def _up(
    box: Toolbox, project: Project, request: DebugRequest, name: str, debugging: Debugging
) -> tuple[Outcome, Debugging]:
    """Also the debugger that resulted: another program may have taken the port that devctl chose."""
    tries = PORT_TRIES
    while True:
        up = UpRequest(
            services=(name,),
            detach=True,
            yes=request.yes,
            timeout=request.timeout,
            compose_timeout=request.compose_timeout,
            debugged={name: debugging},
        )
        try:
            return up_locked(up, box, project), debugging
        except MachineError as error:
            if not tries or request.port is not None or taken_port(error) != debugging.port:
                raise
        tries -= 1
        debugging = _debugging(box, project, name, request)


def _warn_of_networks(box: Toolbox, project: Project, name: str) -> None:
    """delve listens where a published port arrives, and therefore on all networks of the container."""
    networks = project.model.get("networks") or {}
    shared = [
        key for key in project.spec(name).get("networks") or {} if (networks.get(key) or {}).get("external")
    ]
    if shared:
        said = f"every container on the network {', '.join(shared)} can connect to the debugger of {name} and run code in it"
        hint = "devctl up ends debugging; a compose override file can leave the network out while you debug"
        box.reporter.warn(Problem("debugger-on-network", said, hint))


def _debugging(box: Toolbox, project: Project, name: str, request: DebugRequest) -> Debugging:
    found = own_containers(box.files, box.engine, project).of(name)
    return Debugging(_port(box, project, name, request.port, found), request.waits)


def _chosen(project: Project, names: tuple[str, ...]) -> Service:
    """Raises UsageError `which-service` if several could be meant, or `not-debuggable` for what is not a Go service."""
    check_services(project, names)
    ours = [s.name for s in project.services]
    if not ours:
        raise UsageError(
            "no service of this project is built from Go code",
            code="not-debuggable",
            hint="`devctl config render` shows what each service is built from",
        )
    if len(names or ours) != 1:
        raise UsageError(
            f"this project has {len(ours)} Go services: name the one to debug",
            code="which-service",
            hint=f"devctl debug SERVICE, one of: {', '.join(ours)}",
        )
    service = project.service((names or tuple(ours))[0])
    if service is None:
        job = names[0] in jobs(project.specs)
        raise UsageError(
            f"{names[0]} is a job, which runs once and exits: only services can be debugged"
            if job
            else f"{names[0]} is not built from this project's Go code",
            code="not-debuggable",
            hint=f"devctl debug SERVICE, one of: {', '.join(ours)}",
        )
    shared = str(project.spec(service.name).get("network_mode") or "host")
    if shared != "host":
        raise UsageError(
            f"{service.name} has no network of its own (network_mode: {shared}), so a debugger cannot be published",
            code="not-debuggable",
            hint="remove that line while you debug, for example with a compose override file",
        )
    return service


def _port(box: Toolbox, project: Project, name: str, wanted: int | None, found: Container | None) -> int:
    """The requested one, that of a debugger which is already served, or the first free one starting at delve's default."""
    specs = project.specs.values()
    hosts = {port for spec in specs for it in published(spec) for port in it.hosts}
    inside = {it.target for it in published(project.spec(name))}
    service = project.service(name)
    taken = hosts | inside | {service.serve.port or 0 if service is not None else 0}
    debugged = found.debugging if found is not None and found.state == "running" else None
    if debugged is not None and wanted in (None, debugged.port):
        return debugged.port
    first = wanted or FIRST_PORT
    port = free_port(box.engine, box.host, first, taken)
    if port is None or wanted not in (None, port):
        owner = _owner(project, first)
        by = f" by {owner} of this project" if owner is not None else ""
        raise MachineError(
            f"port {first} of the host is taken{by}",
            code="port-taken",
            hint=f"devctl debug {name} --port {port or first + TRIES}",
        )
    return port


def _owner(project: Project, port: int) -> str | None:
    """Which service of the project uses this port, on the host or in its container."""
    listening = [s.name for s in project.services if s.serve.port == port]
    publishing = [
        name
        for name, spec in project.specs.items()
        for it in published(spec)
        if {*it.hosts, it.target} >= {port}
    ]
    return next(iter([*publishing, *listening]), None)


@contextmanager
def _noted(box: Toolbox, project: Project, name: str) -> Iterator[Project]:
    """The project while this service is debugged too; restored if that fails."""
    before = noted_debugged(box.private, project.root)
    try:
        yield debugging_these(box, project, before | {name})
    except BaseException:
        with beside(box.reporter, "recording which services are debugged"):
            debugging_these(box, project, before)
        raise


def _target(project: Project, name: str, debugging: Debugging) -> Connection:
    service = project.service(name)
    assert service is not None
    mounted_at = service.mounted_at
    if service.build.dev_stage is not None:  # where the user mounts it
        binds = (v for v in project.spec(name).get("volumes") or [] if v.get("source") == str(project.root))
        mounted_at = next((str(v["target"]) for v in binds), mounted_at)
    return Connection(name, debugging, mounted_at)


def _planned(box: Toolbox, project: Project, request: DebugRequest, target: Connection) -> PlannedFile | None:
    if request.editor is None:
        return None
    if not target.can_be_written:
        raise UsageError(
            f"the folder {target.mounted_at!r} in the container of {target.service} cannot be written into an editor's "
            "configuration",
            code="not-debuggable",
            hint=f"mount the source of {target.service} at another path, such as /app, or debug without --editor",
        )
    editor = EDITORS[request.editor]
    path = editor.path(target)
    theirs = box.files.read_text(project.root / path, within=project.root)
    return PlannedFile(path, theirs, editor.whole(target))


def _told(
    box: Toolbox, project: Project, request: DebugRequest, target: Connection, outcome: Outcome
) -> Outcome:
    debugging = target.debugging
    result = outcome.result | {
        "debugger": {
            "service": target.service,
            "host": "127.0.0.1",
            "port": debugging.port,
            "waits": debugging.waits,
            "paths": [{"container": target.mounted_at, "host": str(project.root)}],
        },
        "editor": None,
    }
    lines = [
        outcome.text,
        "",
        f"debugger of {target.service} on {debugging.address} (delve: DAP or API 2); {target.mounted_at} in the container is "
        "this folder",
        "  the program starts once a debugger connects"
        if debugging.waits
        else "  the program runs under it, built without optimisation",
        "  each save rebuilds and restarts it at the same address; then reconnect",
        "  devctl up ends debugging",
    ]
    if request.editor is not None:
        planned = PlannedFile(
            EDITORS[request.editor].path(target), None, EDITORS[request.editor].whole(target)
        )
        part = EDITORS[request.editor].part(target)
        action = "printed"
        with only_warned(box.reporter):  # the program is debugged, whatever became of the file meanwhile
            planned = _planned(box, project, request, target) or planned
            if request.write:
                if planned.action == "written":
                    path = project.root / planned.path
                    box.files.write_atomic(path, planned.ours, within=project.root, owner=project.owner)
                action = planned.action
        result["editor"] = {"name": request.editor, "path": planned.path, "action": action, "text": part}
        lines += ["", *_editor_lines(request.editor, planned, action, part, target)]
    return replace(outcome, result=result, text="\n".join(lines))


def _editor_lines(editor: str, planned: PlannedFile, action: str, part: str, target: Connection) -> list[str]:
    if action == "written":
        return [f"wrote {planned.path}"]
    if action == "kept":
        return [f"{planned.path} is up to date"]
    there = planned.theirs is not None
    if f'"{target.name}"' in (planned.theirs or ""):
        port = target.debugging.port
        return [
            f'{planned.path} has "{target.name}" already and was left unchanged: change its port to {port}'
        ]
    said = (
        f"{planned.path} exists and was left unchanged; add this to {EDITORS[editor].adds_to}:"
        if there
        else f"for {planned.path} (--write writes it):"
    )
    return [said, "", (part if there else planned.ours).rstrip()]
