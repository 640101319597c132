"""The model given to compose: the user's resolved model with our services' mode written in, as data."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Mapping
from copy import deepcopy
from typing import Any, cast

from devctl.domain.observed import MODE_LABEL, PROJECT_LABEL, ROOT_LABEL, SERVICE_LABEL, Observed
from devctl.domain.overlay import build_note
from devctl.domain.project import Project, Service
from devctl.domain.runs import NONROOT, Run, built_from, target_of

SOURCE_TARGET = "/app"
CACHE_TARGET = "/cache"
CACHE_KEY = "devctl-cache"
Model = dict[str, Any]


def render(project: Project, runs: Iterable[Run], *, observed: Observed, cache_volume: str) -> Model:
    """A complete compose model; needs no other file and may be run by plain compose."""
    model: Model = deepcopy(cast("Model", project.model))
    model["name"] = project.name
    chosen = {run.service: run for run in runs}
    for name, spec in model["services"].items():
        _localhost_ports(spec)
        _label(spec, {PROJECT_LABEL: project.name})
        service, run = project.service(name), chosen.get(name)
        if service is not None and run is not None:
            _write_mode(spec, project, service, run)
            _lend_keys(model, spec["build"], run)
    _wait_for_start({run.service for run in chosen.values() if run.ours}, model)
    if any(_uses_cache(spec) for spec in model["services"].values()):
        model.setdefault("volumes", {})[CACHE_KEY] = {"name": cache_volume, "external": True}
    _label_owned(model, "volumes", project.name, observed.volumes)
    _label_owned(model, "networks", project.name, observed.networks)
    return model


def _write_mode(spec: Model, project: Project, service: Service, run: Run) -> None:
    _label(spec, {SERVICE_LABEL: service.name, MODE_LABEL: run.mode})
    spec["image"] = run.image
    spec["build"] = _build(spec, project, run)
    spec.pop("develop", None)
    spec.pop("pull_policy", None)
    _one_of_each(spec)
    if run.host_port is not None and service.port is not None:
        spec["ports"] = _ports(spec.get("ports") or [], service, run.host_port)
    if run.mode == "dev":
        _dev(spec, project, service, run)
    else:
        _prod(spec, project, service, run)


def _one_of_each(spec: Model) -> None:
    """A service has one port on this machine and one folder that its builds report to: a second container has neither."""
    spec.pop("scale", None)
    if ((spec.get("deploy") or {}).get("replicas") or 0) > 1:
        spec["deploy"] = {**spec["deploy"], "replicas": 1}


def _build(spec: Model, project: Project, run: Run) -> Model:
    build = dict(spec.get("build") or {})
    args = dict(build.get("args") or {})
    args.pop("target", None)  # `args: [target=…]` chooses nothing: the stage is chosen by `target` below
    build["context"] = f"{project.root}/{run.context}".removesuffix("/.")
    build["dockerfile"] = f"{project.root}/{built_from(run)}"
    build.pop("dockerfile_inline", None)
    build["args"] = {**args, **run.args}
    if run.stage is not None:
        build["target"] = target_of(run.stage)
    build["labels"] = {
        PROJECT_LABEL: project.name,
        SERVICE_LABEL: run.service,
        MODE_LABEL: run.mode,
        ROOT_LABEL: project.root,
    }
    return build


def _lend_keys(model: Model, build: Model, run: Run) -> None:
    """Our Dockerfile mounts these while modules are fetched; a secret of that name that the user gives has precedence."""
    for name, path in run.secrets.items():
        theirs = build.get("secrets") or []
        if not any(name in (s.get("target"), s.get("source")) for s in theirs):
            key = f"devctl-{name}"
            build["secrets"] = [*theirs, {"source": key, "target": name}]
            model["secrets"] = {**(model.get("secrets") or {}), key: {"file": path}}
    if run.ssh:
        build.setdefault("ssh", ["default"])


def _dev(spec: Model, project: Project, service: Service, run: Run) -> None:
    spec["init"] = True
    if run.user is not None:
        spec["user"] = run.user
    spec["environment"] = {**_environment(spec, service, run), **service.env}
    if run.ours:
        _our_dev_stage(spec, project, service)
    if run.ours or service.shares_cache:
        _share_cache(spec)
        spec["environment"] = {**spec["environment"], **_air_environment(service)}
    if run.poll:
        spec["environment"]["AIR_POLL"] = "1"


def _environment(spec: Model, service: Service, run: Run) -> Model:
    """The compose file's; where a stage of ours stands in for the user's, what that one sets comes below it."""
    return {**(service.image_env if run.ours else {}), **(spec.get("environment") or {})}


def _our_dev_stage(spec: Model, project: Project, service: Service) -> None:
    for key in ("command", "entrypoint", "healthcheck"):
        spec.pop(key, None)
    kept = [v for v in spec.get("volumes") or [] if not _covers_source(v, project.root)]
    spec["volumes"] = [
        *kept,
        {"type": "bind", "source": project.root, "target": SOURCE_TARGET, "bind": {"create_host_path": True}},
    ]
    spec["working_dir"] = SOURCE_TARGET
    spec["command"] = ["air", "-c", f"{SOURCE_TARGET}/.devctl/{service.name}/air.toml"]


def _wait_for_start(services: Container[str], model: Model) -> None:
    """Our stages have no health check: what the user's runs may not be in them, and compiling takes longer than it allows."""
    for spec in model["services"].values():
        for name, how in (spec.get("depends_on") or {}).items():
            if name in services and how.get("condition") == "service_healthy":
                how["condition"] = "service_started"


def _air_environment(service: Service) -> dict[str, str]:
    """What the build script of our dev stage reads (templates/go-service/.air.toml)."""
    wanted = {
        "DEVCTL_STATE": f"{SOURCE_TARGET}/{build_note(service.name)}",
        "DEVCTL_MODULE_DIR": service.dir,
        "DEVCTL_MAIN": service.main,
        "DEVCTL_TAGS": ",".join(service.build_tags),
        "DEVCTL_LDFLAGS": service.ldflags,
        "DEVCTL_ARGS": " ".join(service.args),
        "DEVCTL_WORKDIR": posixpath.join(service.dir, service.workdir) if service.workdir != "." else "",
        **service.build_env,
    }
    return {key: value for key, value in wanted.items() if value}


def _prod(spec: Model, project: Project, service: Service, run: Run) -> None:
    for key in ("working_dir", "stdin_open", "tty", "privileged", "cap_add", "init"):
        spec.pop(key, None)
    for key in (
        "command",
        "entrypoint",
    ):  # a dev stage's own: `air`, `go run .`; production starts what the image says
        spec.pop(key, None)
    if run.ours:
        spec.pop("healthcheck", None)
    command = service.args if run.ours else service.own_command
    if command:
        spec["command"] = list(command)
    if service.own_entrypoint and not run.ours:
        spec["entrypoint"] = list(service.own_entrypoint)
    spec["volumes"] = [
        v for v in spec.get("volumes") or [] if v.get("type") != "bind" and v["target"] != CACHE_TARGET
    ]
    environment = {**_environment(spec, service, run), **service.env, **service.prod_env}
    spec["environment"] = {k: v for k, v in environment.items() if not k.startswith(("DEVCTL_", "AIR_"))}
    spec["user"] = run.user or NONROOT
    spec["read_only"] = True
    spec["cap_drop"] = ["ALL"]
    spec["security_opt"] = ["no-new-privileges:true"]
    spec.setdefault("mem_limit", "536870912")
    spec.setdefault("pids_limit", 256)
    spec.setdefault("restart", "unless-stopped")
    if run.ours and service.files:
        spec["working_dir"] = f"{SOURCE_TARGET}/{service.workdir}".removesuffix(
            "/."
        )  # where our production stages put the files that are opened at run time
    if service.writable:
        spec["tmpfs"] = list(service.writable)


def _covers_source(volume: Model, root: str) -> bool:
    """Also a volume that keeps the image's vendor/: ours has none, and what lies in the source counts."""
    source, target = str(volume.get("source", "")), volume["target"].rstrip("/")
    vendored = target.startswith(f"{SOURCE_TARGET}/") and posixpath.basename(target) == "vendor"
    in_place = target in (SOURCE_TARGET, CACHE_TARGET) or (vendored and volume.get("type") == "volume")
    return in_place or (volume.get("type") == "bind" and source == root)


def _share_cache(spec: Model) -> None:
    """The build cache outlives containers and projects: one volume a user and Go version."""
    kept = [v for v in spec.get("volumes") or [] if v["target"].rstrip("/") != CACHE_TARGET]
    spec["volumes"] = [*kept, {"type": "volume", "source": CACHE_KEY, "target": CACHE_TARGET}]


def _uses_cache(spec: Model) -> bool:
    return any(v.get("source") == CACHE_KEY for v in spec.get("volumes") or [])


def _ports(theirs: list[Model], service: Service, host: int) -> list[Model]:
    """The compose file's ports as they are; where devctl.yaml names a `host_port`, the port of the service goes there."""
    assert service.port is not None
    if not theirs:
        return [_port(service.port, host)]
    if service.host_port is None:
        return theirs
    mine = [p for p in theirs if p.get("target") == service.port and p.get("protocol", "tcp") == "tcp"]
    if not mine:
        return [*theirs, _port(service.port, host)]
    before = mine[0].get("published")  # one port on two addresses stays one port
    moved = [p for p in mine if p.get("published") == before]
    return [{"host_ip": "127.0.0.1", **p, "published": str(host)} if p in moved else p for p in theirs]


def _port(container: int, host: int) -> Model:
    return {
        "mode": "ingress",
        "host_ip": "127.0.0.1",
        "target": container,
        "published": str(host),
        "protocol": "tcp",
    }


def _localhost_ports(spec: Model) -> None:
    """A published port without an address means this machine alone; one that names an address is kept."""
    for port in spec.get("ports") or []:
        if port.get("published"):
            port.setdefault("host_ip", "127.0.0.1")


def _label(spec: Model, labels: Mapping[str, str]) -> None:
    spec["labels"] = {**(spec.get("labels") or {}), **labels}


def _label_owned(model: Model, kind: str, project: str, existing: Mapping[str, str]) -> None:
    """Label what will be made by us. One that compose made before us keeps its definition to the letter:

    a changed definition would make compose offer to recreate it, and the data of a volume would be lost.
    """
    for key, spec in (model.get(kind) or {}).items():
        if (spec or {}).get("external"):
            continue
        name = (spec or {}).get("name", f"{project}_{key}")
        if existing.get(name, project) == project:
            model[kind][key] = {
                **(spec or {}),
                "labels": {**((spec or {}).get("labels") or {}), PROJECT_LABEL: project},
            }
