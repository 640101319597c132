"""config show|check|render|schema: what devctl decided and why, without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devctl.domain.config import Config
from devctl.domain.events import Outcome
from devctl.domain.observed import Image, Observed
from devctl.domain.planner import Step
from devctl.domain.ports import Toolbox
from devctl.domain.ports_engine import Engine
from devctl.domain.ports_host import Host
from devctl.domain.project import Origin, Project, Service
from devctl.domain.requests import ConfigRequest
from devctl.domain.state import Mode
from devctl.errors import DevctlError, ExitCode, MachineError, Problem
from devctl.workflows.advice import problems
from devctl.workflows.compose_model import compose_place
from devctl.workflows.find import compose_files, find_root
from devctl.workflows.lifecycle import plan_outcome
from devctl.workflows.load import load
from devctl.workflows.session import open_session

NAME = "devctl.yaml"
Key = tuple[str | int, ...]
Values = dict[str, Origin]


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
    shown = values(box, project)
    as_json = {key: {"value": v.value, "origin": v.origin} for key, v in shown.items()}
    wide = max(len(key) for key in shown)
    said = {key: _plain(v.value) for key, v in shown.items()}
    middle = min(max(len(text) for text in said.values()), 40)
    lines = [f"{key:<{wide}}  {said[key]:<{middle}}  {v.origin}" for key, v in shown.items()]
    return Outcome(result={"values": as_json}, text="\n".join(lines))


def values(box: Toolbox, project: Project) -> Values:
    """Every value by the path of its key in devctl.yaml, with where it comes from."""
    root = Path(project.root)
    said = box.sources.config(root)
    line_of = box.sources.positions(root / NAME)
    found = _of_project(project, said, name_origin=_name_origin(box, project))
    for service in project.services:
        found |= _of_service(service, place=compose_place(box, root))
    for key in found:
        line = line_of(tuple(key.split(".")))
        if line is not None:  # the file has the last word, so its line is the origin
            found[key] = Origin(found[key].value, f"{NAME}:{line}")
    return found


def _of_project(project: Project, said: Config, *, name_origin: str) -> Values:
    go_file = project.services[0].origins.get("dir", "go.mod")
    found = {
        "name": Origin(project.name, name_origin),
        "go": Origin(project.go_version, "go.mod" if go_file == NAME else go_file),
        "bases.mirror": Origin(project.mirror, "default"),
    }
    need = next((s.cgo for s in project.services if s.needs_c and s.cgo is not None), None)
    of_go = f"from `go`, with a C compiler for {need.value} ({need.place})" if need else "from `go`"
    for role, ref in project.bases.items():
        found[f"bases.{role}"] = Origin(ref, of_go if role == "golang" else "default")
    found |= {
        f"prod.{key}": Origin(value, "default")
        for key, value in {
            "base": said.prod.base,
            "target": said.prod.target,
            "budget": said.prod.budget,
            "writable": list(said.prod.writable),
            "env": said.prod.env,
        }.items()
    }
    found["watch.also"] = Origin(list(said.watch.also), "default")
    found["watch.poll"] = Origin(said.watch.poll, "default")
    return found


def _of_service(service: Service, *, place: Callable[[Key], str]) -> Values:
    at, origins = f"services.{service.name}", dict(service.origins)
    if origins.get("port", "").endswith((".yaml", ".yml")) and origins["port"] != NAME:
        origins["port"] = place(("services", service.name, "ports"))
    plain: dict[str, object] = {
        "dir": service.dir,
        "main": service.main,
        "args": list(service.args),
        "port": service.port,
        "host_port": service.host_port,
        "probe": service.probe,
        "env": service.env,
        "build.tags": list(service.build_tags),
        "build.env": service.build_env,
        "build.ldflags": service.ldflags,
        "files": list(service.files),
    }
    found = {f"{at}.{key}": Origin(value, origins.get(key, "default")) for key, value in plain.items()}
    if service.env and "env" not in origins:
        found[f"{at}.env"] = Origin(service.env, origins.get("port", "default"))
    if service.host_port is None and service.port is not None:
        found[f"{at}.host_port"] = Origin(None, "the compose file's, else the next free one at `up`")
    built = place(("services", service.name, "build"))
    found[f"{at}.context"] = Origin(service.context, built if ":" in built else "default")
    found[f"{at}.dockerfile"] = Origin(service.dockerfile, service.dockerfile or "none: devctl's own")
    dev = Origin(service.dev_stage or "devctl's own", service.dockerfile if service.dev_stage else "default")  # type: ignore[arg-type]  # a stage has a file
    found[f"{at}.dev_stage"] = dev
    found[f"{at}.prod_stages"] = Origin(
        service.prod_stages, service.prod_dockerfile or service.dockerfile or "none: devctl's own"
    )
    return found


def _name_origin(box: Toolbox, project: Project) -> str:
    for path in compose_files(box, Path(project.root)):
        line = box.sources.positions(path)(("name",))
        if line is not None:
            return f"{path.relative_to(project.root).as_posix()}:{line}"
    return "the folder's name"


def _check(request: ConfigRequest, box: Toolbox) -> Outcome:
    root = find_root(box, request.project)
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
    every = [*broken, *found]
    lines = [f"{p.place or NAME}: {p.message}\n    → {p.hint}" for p in every if p not in broken[:1]]
    return Outcome(
        result={"problems": [p.as_json() for p in every]},
        text="\n".join(lines) or ("" if broken else "no problems"),
        exit_code=code,
        problem=broken[0] if broken else None,
    )


def _render(request: ConfigRequest, box: Toolbox) -> Outcome:
    project = load(box, request.project)
    mode = cast("Mode", request.mode)
    base = project.prod_base if mode == "prod" else None
    target = project.prod_target if mode == "prod" else ""
    try:
        session = open_session(box, project, mode=mode, base=base, target=target)
    except MachineError as error:
        if error.code not in ("engine-unreachable", "docker-missing", "port-taken"):
            raise
        session = open_session(_free_machine(box, error.code), project, mode=mode, base=base, target=target)
    return Outcome(result={"model": json.loads(session.model_text)}, text=session.model_text.rstrip())


def _schema(request: ConfigRequest, box: Toolbox) -> Outcome:
    schema = box.sources.config_schema()
    return Outcome(result={"schema": schema}, text=json.dumps(schema, indent=2))


def _free_machine(box: Toolbox, code: str) -> Toolbox:
    """The model says the same whether or not its port is free today; without an engine nothing runs."""
    engine = _FreePorts(box.engine) if code == "port-taken" else _NoEngine()
    return replace(box, engine=cast("Engine", engine), host=cast("Host", _FreePorts(box.host)))


class _FreePorts:
    """A port of ours that finds every port free."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def port_free(self, ip: str, port: int) -> bool:
        return True

    def ports_in_use(self) -> Mapping[int, str]:
        return {}


class _NoEngine:
    """What rendering asks of an engine."""

    def observe(self, project: str) -> Observed:
        return Observed()

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        return {}

    def ports_in_use(self) -> Mapping[int, str]:
        return {}


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
