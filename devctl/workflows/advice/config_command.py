"""config show|check|render|schema: what devctl decided and why, without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast

from msgspec.structs import replace

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import ConfigRequest
from devctl.domain.command.state import Mode
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.dockerfile.stages import target_name
from devctl.domain.plan.development import taken_back
from devctl.domain.plan.engine_state import Image, Kind, Labelled, Observed
from devctl.domain.plan.planner import Step
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.compose_model import Key, Spec
from devctl.domain.project.config import CONFIG_FILE, Config, ServiceConfig, stated
from devctl.domain.project.model import Origin, Project, Service
from devctl.domain.project.project_name import name_origin
from devctl.errors import DevctlError, ExitCode, MachineError, Problem
from devctl.workflows.advice.advice import problems
from devctl.workflows.project.find import find_root, named
from devctl.workflows.project.load import load
from devctl.workflows.session.session import open_session
from devctl.workflows.session.steps import plan_outcome

Values = dict[str, Origin]
_NOT_SHOWN = ("version", "services")  # services are shown one by one, as they were detected


def config(request: ConfigRequest, box: Toolbox) -> Outcome:
    if request.dry_run:
        return plan_outcome([Step("check", None, f"config {request.action} only reads")])
    actions: dict[str, Callable[[ConfigRequest, Toolbox], Outcome]] = {
        "show": _show,
        "check": _check,
        "render": _render,
        "schema": _schema,
    }
    return actions[request.action](request, box)


def _show(request: ConfigRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project)
    shown = values(box.sources, project)
    as_json = {key: {"value": v.value, "origin": v.origin} for key, v in shown.items()}
    wide = max(len(key) for key in shown)
    said = {key: _plain(v.value) for key, v in shown.items()}
    middle = min(max(len(text) for text in said.values()), 40)
    lines = [f"{key:<{wide}}  {said[key]:<{middle}}  {v.origin}" for key, v in shown.items()]
    return Outcome(result={"values": as_json}, text="\n".join(lines))


def values(sources: Sources, project: Project) -> Values:
    """Every value by the path of its key in devctl.yaml, with its origin."""
    said = sources.config(project.root)
    line_of = sources.positions(project.root / CONFIG_FILE)
    found = _of_project(project, said, name_origin=_name_origin(sources, project))
    for service in project.services:
        found |= _of_service(service, project.spec(service.name), place=project.place)
    for key in found:
        line = line_of(tuple(key.split(".")))
        if line is not None:  # the file has the last word, so its line is the origin
            found[key] = Origin(found[key].value, f"{CONFIG_FILE}:{line}")
    return found


def _of_project(project: Project, said: Config, *, name_origin: str) -> Values:
    go_file = next((s.origins.get("dir", "go.mod") for s in project.services), "go.mod")
    found = {
        "name": Origin(project.name, name_origin),
        "go": Origin(project.go_version, "go.mod" if go_file == CONFIG_FILE else go_file),
        "bases.mirror": Origin(project.mirror, "default"),
    }
    need = project.needs_c
    of_go = f"from `go`, with a C compiler for {need.value} ({need.place})" if need else "from `go`"
    for role, ref in project.bases.items():
        found[f"bases.{role}"] = Origin(ref, of_go if role == "golang" else "default")
    rest = {key: value for key, value in stated(said) if key not in found and key not in _NOT_SHOWN}
    return found | {key: Origin(value, "default") for key, value in rest.items()}


def _of_service(service: Service, spec: Spec, *, place: Callable[[Key], str]) -> Values:
    at, origins = f"services.{service.name}", dict(service.origins)
    if origins.get("port", "").endswith((".yaml", ".yml")) and origins["port"] != CONFIG_FILE:
        origins["port"] = place(("services", service.name, "ports"))
    plain = {key: _detected(service, key) for key, _ in stated(ServiceConfig())}
    found = {f"{at}.{key}": Origin(value, origins.get(key, "default")) for key, value in plain.items()}
    if service.start.env and "env" not in origins:
        found[f"{at}.env"] = Origin(service.start.env, origins.get("port", "default"))
    if service.serve.host_port is None and service.serve.port is not None:
        found[f"{at}.host_port"] = Origin(None, "the compose file's, else the next free one at `up`")
    built = place(("services", service.name, "build"))
    found[f"{at}.context"] = Origin(service.build.context, built if ":" in built else "default")
    found[f"{at}.dockerfile"] = Origin(
        service.build.dockerfile, service.build.dockerfile or "none: devctl's own"
    )
    if service.build.go_image is not None:
        image = place(("services", service.name, "image"))
        found[f"{at}.go_image"] = Origin(service.build.go_image, origins.get("go_image", image))
    found[f"{at}.dev_stage"] = _dev_stage(service)
    without = dict(taken_back(spec))
    if without:
        found[f"{at}.dev_without"] = Origin(
            without, place(("services", service.name, next(iter(without)).partition(".")[0]))
        )
    found[f"{at}.prod_stages"] = Origin(
        service.build.prod_stages,
        service.build.prod_dockerfile or service.build.dockerfile or "none: devctl's own",
    )
    theirs = service.build.production
    said = (
        f"stage `{target_name(theirs.final)}` with its base replaced"
        if theirs is not None
        else "devctl's own"
    )
    others = {base: said for base in RUNTIME_BASES if base not in service.build.prod_stages}
    if others:
        found[f"{at}.prod_other_bases"] = Origin(others, theirs.place if theirs is not None else "default")
    return found


def _dev_stage(service: Service) -> Origin:
    if service.build.dev_stage is not None:
        return Origin(service.build.dev_stage, str(service.build.dockerfile))
    if service.build.derived is not None:
        stage = service.build.derived.build.stage
        return Origin(
            f"devctl's own, derived from stage `{target_name(stage)}`",
            f"{service.build.dockerfile}:{stage.line}",
        )
    return Origin("devctl's own", "default")


# The field of a service for each key of devctl.yaml.
_HELD_BY = {
    "dir": "source.dir",
    "main": "source.main",
    "args": "start.args",
    "env": "start.env",
    "port": "serve.port",
    "host_port": "serve.host_port",
    "probe": "serve.probe",
    "files": "build.files",
}


def _detected(service: Service, key: str) -> object:
    """The effective value of a service's key."""
    value = attrgetter(_HELD_BY.get(key, key))(service)
    return list(value) if isinstance(value, tuple) else value


def _name_origin(sources: Sources, project: Project) -> str:
    for path in project.compose_paths:
        line = sources.positions(path)(("name",))
        if line is not None:
            return f"{named(project.root, path)}:{line}"
    return name_origin(project.name, project.root.name)


def _check(request: ConfigRequest, box: Toolbox) -> Outcome:
    root = find_root(box.files, box.host, request.project)
    broken = list(box.sources.config_problems(root))
    found: list[Problem] = []
    code = ExitCode.FILES if broken else ExitCode.OK
    if not broken:
        try:
            found = list(problems(box, load(box, root)))
        except MachineError:
            raise
        except DevctlError as error:
            broken.append(error.problem)
            code = error.exit_code
    return Outcome(
        result={"problems": [p.as_json() for p in (*broken, *found)]},
        exit_code=code,
        problem=broken[0] if broken else None,
    )


def _render(request: ConfigRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project)
    mode = cast("Mode", request.mode)
    base = project.prod_base if mode == "prod" else None
    try:
        session = open_session(box, project, mode=mode, base=base)
    except MachineError as error:
        if error.code not in ("engine-unreachable", "docker-missing", "port-taken"):
            raise
        session = open_session(_free_machine(box, error.code), project, mode=mode, base=base)
    return Outcome(result={"model": json.loads(session.model_text)}, text=session.model_text.rstrip())


def _schema(request: ConfigRequest, box: Toolbox) -> Outcome:
    schema = box.sources.config_schema()
    return Outcome(result={"schema": schema}, text=json.dumps(schema, indent=2))


def _free_machine(box: Toolbox, code: str) -> Toolbox:
    """The model says the same whether or not its port is free today; without an engine nothing runs."""
    engine = _FreePorts(box.engine) if code == "port-taken" else _NoEngine()
    return replace(box, engine=cast("Engine", engine), host=cast("Host", _FreePorts(box.host)))


class _FreePorts:
    """A port check that reports every port as free."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def port_free(self, ip: str, port: int) -> bool:
        return True

    def ports_in_use(self) -> Mapping[int, str]:
        return {}


class _NoEngine:
    """What rendering queries from an engine."""

    def observe(self, project: str) -> Observed:
        return Observed()

    def labelled(self, kind: Kind, label: str) -> Sequence[Labelled]:
        return ()

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        return {}

    def user_for(self, owner: tuple[int, int]) -> str:
        return f"{owner[0]}:{owner[1]}"

    def ports_in_use(self) -> Mapping[int, str]:
        return {}


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
