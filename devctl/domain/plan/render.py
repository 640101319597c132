"""The model for compose: the user's resolved model with the mode of each Go service written in, as data."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Container, Iterable, Mapping
from copy import deepcopy
from hashlib import sha256
from math import ceil
from typing import Any, cast

from devctl.domain.compose.depends_on import jobs, needed
from devctl.domain.compose.handed_files import copied_in, readable
from devctl.domain.debug.debugging import Debugging
from devctl.domain.derive.dev_stage import START
from devctl.domain.derive.final_stage import STOP_SIGNAL
from devctl.domain.derive.health_check import cannot_run, compose_test
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.go.go_command import PLACES_CACHE
from devctl.domain.numbers import whole
from devctl.domain.paths import is_below
from devctl.domain.plan import production
from devctl.domain.plan.development import own_state, relaxed
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import (
    DEBUG_LABEL,
    DEFINITION_LABEL,
    FOLDER_LABEL,
    GIVEN_LABEL,
    LABEL,
    MACHINE_LABEL,
    MODE_LABEL,
    PROJECT_LABEL,
    ROOT_LABEL,
    SERVICE_LABEL,
    Observed,
)
from devctl.domain.plan.run import Run, built_from, rebased, target_of
from devctl.domain.plan.users_air import air_of, duration, kill_delay, translated
from devctl.domain.project.compose_model import OwnModel, OwnSpec
from devctl.domain.project.container_files import PROGRAM
from devctl.domain.project.log_lines import LOG_MARK, log_mark
from devctl.domain.project.model import TEMPLATE_SOURCE, Project, Service
from devctl.domain.project.state_folder import STATE_FOLDER, air_toml_copy, build_note

CACHE_TARGET = "/cache"
CACHE_KEY = "devctl-cache"
# Read by the scripts of devctl's dev stage, even if `init` wrote it into the compose file; every other variable with that
# prefix belongs to the service.
_OF_SCRIPTS = """DEBUG DEBUG_LISTEN DEBUG_WAIT STATE AIR AIR_ENV SOURCE WORKDIR BINARY RERUN MARK STOP_TIMEOUT STOP_SIGNAL
    STOP_ON_ERROR"""
FOR_AIR = frozenset({"AIR_POLL", *(f"DEVCTL_{word}" for word in _OF_SCRIPTS.split())})
CACHE_SCOPE = "BUILDKIT_CACHE_MOUNT_NS"
"""A build argument that BuildKit itself understands: it is prefixed to the id of every cache mount of that build, so no
Dockerfile of another project can name one of these. https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args"""
STOPS_WITHIN = 10.0
"""Seconds that a program has to stop by default: the engine's own value."""


def render(project: Project, runs: Iterable[Run], *, observed: Observed) -> OwnModel:
    """A complete compose model; needs no other file and can be run by plain compose."""
    model: OwnModel = deepcopy(cast("OwnModel", project.model))
    model["name"] = project.name
    _without_absent(model)
    chosen = {run.service: run for run in runs}
    once = jobs(model["services"])
    given = {name: _given(spec, model) for name, spec in model["services"].items()}
    for name, spec in model["services"].items():
        if name in once:
            spec.pop("restart", None)  # it would run again and again
        _without_our_labels(spec)
        _localhost_ports(spec)
    for name, definition in _definitions(project, model, given).items():
        if _is_defined(observed, name):
            _label(model["services"][name], {DEFINITION_LABEL: definition})
    for name, spec in model["services"].items():
        if given[name]:
            _label(spec, {GIVEN_LABEL: given[name]})
        _label(spec, {PROJECT_LABEL: project.name, MACHINE_LABEL: _machine(project, observed, name)})
        if spec.get("build"):
            spec["build"]["args"] = {CACHE_SCOPE: project.build_cache, **(spec["build"].get("args") or {})}
            # From these a later switch knows what it may remove; for Go services `_build` says more.
            spec["build"]["labels"] = {**(spec["build"].get("labels") or {}), **_made_here(project)}
        service, run = project.service(name), chosen.get(name)
        if service is not None and run is not None:
            _write_mode(spec, project, service, run)
            spec.update(readable(spec, model))
            _lend_keys(model, spec["build"], run)
        mounts = _mounts(spec, project)
        if _is_marked(observed, name, project, mounts=mounts):
            _label(spec, {FOLDER_LABEL: project.folder if mounts else ""})
        _mount_colons(spec)
    _as_the_services(once - set(chosen), model, runs=chosen.values())
    _wait_for_start({run.service for run in chosen.values() if run.ours}, model)
    if any(_uses_cache(spec) for spec in model["services"].values()):
        model.setdefault("volumes", {})[CACHE_KEY] = {"name": project.cache_volume, "external": True}
    _label_owned(model, "volumes", project.name, observed.volumes)
    _label_owned(model, "networks", project.name, observed.networks)
    for key, spec in (model.get("networks") or {}).items():
        name = (spec or {}).get("name", f"{project.name}_{key}")
        machine = observed.machines.get(name) if name in observed.networks else project.machine
        if machine and PROJECT_LABEL in ((spec or {}).get("labels") or {}):
            _label(spec, {MACHINE_LABEL: machine})
    return model


def _without_absent(model: OwnModel) -> None:
    """`required: false` for a service whose profile is inactive: compose leaves its name in what it resolves, and refuses to
    read that again."""
    for spec in model["services"].values():
        for name, how in list((spec.get("depends_on") or {}).items()):
            if name not in model["services"] and how.get("required") is False:
                del spec["depends_on"][name]


def _as_the_services(jobs: Iterable[str], model: OwnModel, *, runs: Iterable[Run]) -> None:
    """A job that is built here, and writes where a dev container reads or writes (a database file), runs as the same user."""
    dev = {run.service: run.user for run in runs if run.mode == "dev" and run.user is not None}
    shared = {place: user for name, user in dev.items() for place in _kept(model["services"][name])}
    for name in jobs:
        spec = model["services"][name]
        users = [shared[place] for place in _kept(spec) if place in shared]
        if users and spec.get("build"):
            spec["user"] = users[0]


def _kept(spec: OwnSpec) -> list[str]:
    """The volumes and folders that it has."""
    mounts = (v for v in spec.get("volumes") or [] if v.get("type") in ("volume", "bind"))
    return [str(v["source"]) for v in mounts if v.get("source") and v.get("source") != CACHE_KEY]


def _given(spec: OwnSpec, model: OwnModel) -> str:
    """A digest of what the compose file contains and is copied into the container: compose itself does not recreate a
    container when that changes."""
    texts = [str((model[kind].get(key) or {}).get("content", "")) for kind, key in copied_in(spec, model)]
    return sha256("\0".join(texts).encode()).hexdigest()[:16] if any(texts) else ""


_KEPT = frozenset({"build", "depends_on", "profiles", "pull_policy", "scale"})
"""Keys of a service for which compose recreates no container: https://github.com/docker/compose/blob/main/pkg/compose/hash.go"""


def _definitions(project: Project, model: OwnModel, given: Mapping[str, str]) -> dict[str, str]:
    """A digest of what the compose file says about each dependency, the same in every mode. A job's is also of what it needs: it
    runs again for a new database, which may be empty."""
    specs, once = model["services"], jobs(model["services"])
    said = {
        name: digest(_defined(spec), _volume_names(spec, model), given[name])
        for name, spec in specs.items()
        if project.service(name) is None
    }
    return {
        name: digest(one, {n: said.get(n) for n in needed(specs, [name])}) if name in once else one
        for name, one in said.items()
    }


def _defined(spec: OwnSpec) -> OwnSpec:
    deploy = {k: v for k, v in (spec.get("deploy") or {}).items() if k != "replicas"}
    return {**{k: v for k, v in spec.items() if k not in _KEPT}, "deploy": deploy}


def _volume_names(spec: OwnSpec, model: OwnModel) -> dict[str, Any]:
    """What the engine calls the volumes that it uses: another name is another volume."""
    used = {v.get("source") for v in spec.get("volumes") or []}
    return {key: (it or {}).get("name") for key, it in (model.get("volumes") or {}).items() if key in used}


def _is_defined(observed: Observed, name: str) -> bool:
    """A dependency's container without the label continues without it, as with the machine's label; that of a Go service
    that is none any more is recreated."""
    found = observed.of(name)
    return found is None or DEFINITION_LABEL in found.labels or found.mode is not None


def _machine(project: Project, observed: Observed, service: str) -> str:
    """An existing container keeps its label: a different one would make compose recreate a container that nothing else
    changed."""
    found = observed.of(service)
    return (found.labels.get(MACHINE_LABEL) if found is not None else None) or project.machine


def _mounts(spec: OwnSpec, project: Project) -> bool:
    """Whether it mounts something of the project."""
    binds = (v for v in spec.get("volumes") or [] if v.get("type") == "bind")
    return any(is_below(str(v.get("source")), str(project.root)) for v in binds)


def _is_marked(observed: Observed, name: str, project: Project, *, mounts: bool) -> bool:
    """An existing container without the label continues without it, as with the machine's label; not if it mounts the project
    now and did not before, as after a preview."""
    found = observed.of(name)
    mounted = found is not None and any(is_below(s, str(project.root)) for s in found.bind_sources)
    return found is None or FOLDER_LABEL in found.labels or (mounts and not mounted)


def _write_mode(spec: OwnSpec, project: Project, service: Service, run: Run) -> None:
    debugging = run.debugging.label if run.debugging is not None else ""  # an image may set it too
    _label(spec, {SERVICE_LABEL: service.name, MODE_LABEL: run.mode, DEBUG_LABEL: debugging})
    spec["image"] = run.image
    spec["build"] = _build(spec, project, run)
    spec.pop("develop", None)
    spec.pop("pull_policy", None)
    _one_of_each(spec)
    if run.host_port is not None and service.serve.port is not None and not spec.get("network_mode"):
        spec["ports"] = _ports(spec.get("ports") or [], service, run.host_port)
    if run.mode == "prod" and service.port_in("prod") != service.serve.port:
        spec["ports"] = [
            {**p, "target": service.port_in("prod")} if p.get("target") == service.serve.port else p
            for p in spec.get("ports") or []
        ]
    if run.mode == "dev":
        _dev(spec, project, service, run)
    else:
        _prod(spec, project, service, run)


def _mount_colons(spec: OwnSpec) -> None:
    """A folder whose path contains a colon: compose gives the engine `source:target` if the folder may be created, else
    separate fields."""
    for volume in spec.get("volumes") or []:
        if volume.get("type") == "bind" and ":" in str(volume.get("source")):
            volume["bind"] = {**(volume.get("bind") or {}), "create_host_path": False}


def _one_of_each(spec: OwnSpec) -> None:
    """A service has one port on this machine and one folder that its builds report to: a second container would have neither."""
    if spec.get("scale") != 0:
        spec.pop("scale", None)
    if ((spec.get("deploy") or {}).get("replicas") or 0) > 1:
        spec["deploy"] = {**spec["deploy"], "replicas": 1}


def _build(spec: OwnSpec, project: Project, run: Run) -> OwnSpec:
    build = dict(spec.get("build") or {})
    if not _is_theirs(build, run):
        build = without_names(build)
    build["context"] = f"{project.root}/{run.context}".removesuffix("/.")
    build["dockerfile"] = f"{project.root}/{built_from(run)}"
    build.pop("dockerfile_inline", None)
    build["args"] = {**(build.get("args") or {}), **run.args}
    if run.stage is not None:
        build["target"] = target_of(run.stage)
    build["labels"] = {**_made_here(project), SERVICE_LABEL: run.service, MODE_LABEL: run.mode}
    return build


def _is_theirs(build: OwnSpec, run: Run) -> bool:
    """Whether the image is the one that `docker compose build` makes of this: of their Dockerfile, and the stage that they name."""
    if run.ours or run.rebased:
        return False
    named = build.get("target")
    return named == target_of(run.stage) if named and run.stage else run.mode == "prod"


def without_names(build: OwnSpec) -> OwnSpec:
    """A `build` for an image that the compose file does not name: other names that the user gives to theirs (`tags`) stay
    with the existing image, and nothing is written to the target of `cache_to`."""
    return {key: value for key, value in build.items() if key not in ("tags", "cache_to")}


def _made_here(project: Project) -> dict[str, str]:
    return {PROJECT_LABEL: project.name, ROOT_LABEL: str(project.root), MACHINE_LABEL: project.machine}


def _lend_keys(model: OwnModel, build: OwnSpec, run: Run) -> None:
    """devctl's Dockerfile mounts these while modules are fetched; a secret of that name that the user defines takes
    precedence."""
    for name, path in run.secrets.items():
        theirs = build.get("secrets") or []
        if not any(name in (s.get("target"), s.get("source")) for s in theirs):
            key = f"devctl-{name}"
            build["secrets"] = [*theirs, {"source": key, "target": name}]
            model["secrets"] = {**(model.get("secrets") or {}), key: {"file": path}}
    if run.ssh:
        build.setdefault("ssh", ["default"])


def _dev(spec: OwnSpec, project: Project, service: Service, run: Run) -> None:
    spec.setdefault("init", True)  # `init: false`: an entrypoint such as s6's must be process 1
    left = relaxed(spec)
    spec.clear()
    spec |= left
    if run.user is not None:
        spec["user"] = run.user
    if project.generated and service.air is not None and ".env" in service.air.env_files:
        spec.pop("environment", None)  # air itself reads it, and sets nothing that the container has already
    spec["environment"] = {**_environment(spec, service, run), **service.start.env}
    if run.derived:
        _derived_stage(spec, project, service)
    elif run.ours:
        _our_dev_stage(spec, project, service)
    if run.ours or service.build.shares_cache:
        _share_cache(spec)
        users = _users_air(spec, service, run) if run.ours else {}
        spec["environment"] = {**spec["environment"], **_air_environment(project, service), **users}
        _time_to_stop(spec, service)
        if state := own_state(spec):
            spec["tmpfs"] = [*(spec.get("tmpfs") or []), *state]
    elif _has_no_cache(spec, service):
        _share_cache(spec)
        spec["environment"]["GOCACHE"] = f"{CACHE_TARGET}/go-build"
    if run.poll:
        spec["environment"]["AIR_POLL"] = "1"
    if run.debugging is not None:
        _debugged(spec, run.debugging, run.debugger)


def _debugged(spec: OwnSpec, debugging: Debugging, folder: str) -> None:
    """It needs no additional rights: delve traces its own child, which the engine's seccomp profile has allowed since Linux
    4.8."""
    on_host = spec.get("network_mode") == "host"
    spec["environment"] |= {
        "DEVCTL_DEBUG": folder,
        "DEVCTL_DEBUG_LISTEN": f"{'127.0.0.1' if on_host else ''}:{debugging.port}",
        **({"DEVCTL_DEBUG_WAIT": "1"} if debugging.waits else {}),
    }
    if not on_host:
        spec["ports"] = [*(spec.get("ports") or []), _port(debugging.port, debugging.port)]


def _has_no_cache(spec: OwnSpec, service: Service) -> bool:
    """Whether Go would keep its build cache in root's home, in a user's dev stage that runs as another user."""
    root = str(spec.get("user") or "0").partition(":")[0] in ("0", "root")
    return not (root or service.build.says_cache or PLACES_CACHE.search(" ".join(spec["environment"])))


def _environment(spec: OwnSpec, service: Service, run: Run) -> OwnSpec:
    """The compose file's; if a devctl stage replaces the user's, what the user's sets has lower precedence."""
    return {
        **(service.start.image_env if run.ours and not run.derived else {}),
        **(spec.get("environment") or {}),
    }


def _derived_stage(spec: OwnSpec, project: Project, service: Service) -> None:
    """It is started like the user's image: in place of the program is a script that builds and starts it."""
    spec.pop("healthcheck", None)
    _own_start(spec, service)
    derived, entry = service.build.derived, spec.get("entrypoint")
    if derived is not None and derived.final.alone and entry is not None:
        spec["entrypoint"] = [START, *([entry] if isinstance(entry, str) else entry)]
    _mount_source(spec, project, service)


def _our_dev_stage(spec: OwnSpec, project: Project, service: Service) -> None:
    for key in ("command", "entrypoint", "healthcheck"):
        spec.pop(key, None)
    _mount_source(spec, project, service)
    spec["working_dir"] = service.mounted_at
    spec["command"] = list(service.start.args)
    if service.start.steps:
        folder = shlex.quote(
            posixpath.normpath(posixpath.join(service.mounted_at, service.source.dir, service.start.workdir))
        )
        before = " && ".join(f"({step})" for step in service.start.steps)
        text = f'(cd {folder} && {before}) && exec devctl-run {PROGRAM} "$@"'
        spec["entrypoint"] = ["sh", "-c", text, "sh"]
    spec["environment"]["DEVCTL_AIR"] = _air_file(service)


def _air_file(service: Service) -> str:
    return f"{service.mounted_at}/{STATE_FOLDER}/{air_toml_copy(service.name)}"


def _own_start(spec: OwnSpec, service: Service) -> None:
    """What a container of the user's own stage gets, if that differs from what its image says."""
    for key, words in (("command", service.start.own_command), ("entrypoint", service.start.own_entrypoint)):
        if words:
            spec[key] = list(words)


def _mount_source(spec: OwnSpec, project: Project, service: Service) -> None:
    """Where the user mounts it, it stays, unless one of their images has the program there."""
    kept = [v for v in spec.get("volumes") or [] if not _covers_source(v, str(project.root), service)]
    spec["volumes"] = [
        *kept,
        {
            "type": "bind",
            "source": str(project.root),
            "target": service.mounted_at,
            "bind": {"create_host_path": True},
        },
    ]


def _users_air(spec: OwnSpec, service: Service, run: Run) -> dict[str, str]:
    """The user's own .air.toml says how the program is built, started and stopped."""
    air = air_of(service)
    if air is None:
        return {}
    under = f"{run.debugger}/devctl-debug" if run.debugging is not None else ""
    said = translated(air, service, source=service.mounted_at, under=under)
    if service.build.derived is not None:
        return {k: v for k, v in said.environment.items() if k not in ("DEVCTL_SOURCE", "DEVCTL_WORKDIR")}
    if said.command is not None:
        spec["entrypoint"], spec["command"] = ["devctl-run"], list(said.command)
    return said.environment


def _time_to_stop(spec: OwnSpec, service: Service) -> None:
    """What .air.toml and the compose file say applies to the program; its container gets a little longer, so that a kill is
    reported."""
    environment = spec["environment"]
    air = kill_delay(service.air.build) if service.air is not None else 0.0
    seconds = air or duration(str(spec.get("stop_grace_period") or "")) or STOPS_WITHIN
    signal = str(spec.pop("stop_signal", "")).upper().removeprefix("SIG")
    environment["DEVCTL_STOP_TIMEOUT"] = f"{seconds:g}"
    if signal:
        environment.setdefault(STOP_SIGNAL, signal)
    spec["stop_grace_period"] = f"{ceil(seconds) + 2}s"


def _wait_for_start(services: Container[str], model: OwnModel) -> None:
    """devctl's stages have no health check: they may lack what the user's runs, and compiling takes longer than it allows."""
    for spec in model["services"].values():
        for name, how in (spec.get("depends_on") or {}).items():
            if name in services and how.get("condition") == "service_healthy":
                how["condition"] = "service_started"


def _air_environment(project: Project, service: Service) -> dict[str, str]:
    """Read by the scripts of devctl's dev stage (templates/dev-stage), and by the go command."""
    wanted = {
        "DEVCTL_STATE": f"{service.mounted_at}/{STATE_FOLDER}/{build_note(service.name)}",
        LOG_MARK: log_mark(str(project.root), service.name),
        "DEVCTL_WORKDIR": _started_in(service),
        "DEVCTL_AIR": _air_file(service) if service.build.derived is not None else "",
        **service.build.env,
    }
    return {key: value for key, value in wanted.items() if value}


def _started_in(service: Service) -> str:
    """If it is not the module's folder: relative to the source, or one in the image."""
    if service.build.derived is not None and service.build.derived.folder:
        return service.build.derived.folder
    folder = posixpath.normpath(posixpath.join(service.source.dir, service.start.workdir))
    return folder if folder != "." else ""


def _prod(spec: OwnSpec, project: Project, service: Service, run: Run) -> None:
    for key in ("stdin_open", "tty", "init"):
        spec.pop(key, None)
    _without_source(spec)
    # A dev stage's own: `air`, `go run .`. Production starts what the image says.
    for key in ("command", "entrypoint"):
        spec.pop(key, None)
    moved = rebased(project, run)
    if run.ours or (moved is not None and cannot_run(compose_test(spec), RUNTIME_BASES[str(run.base)])):
        spec.pop("healthcheck", None)
    if moved is not None and spec.get("user"):
        spec["user"] = moved.owners.written(str(spec["user"]))
    if not run.ours:
        _own_start(spec, service)
    elif service.start.args:
        spec["command"] = list(service.start.args)
    environment = {**_environment(spec, service, run), **service.start.env, **service.start.prod_env}
    spec["environment"] = {k: v for k, v in environment.items() if k not in FOR_AIR}
    if service.start.writable:
        spec["tmpfs"] = [*(spec.get("tmpfs") or []), *service.start.writable]
    if service.build.dev_stage is not None and _of_the_dev_stage(str(spec.get("user") or "")):
        spec.pop("user", None)
    restart = spec.get("restart")
    spec |= production.added(spec, user=run.user, copied_in=bool(copied_in(spec, project.model)))
    if service.may_finish and spec.get("restart") in ("always", "unless-stopped"):
        spec["restart"] = "on-failure" if restart else "no"  # it would run again and again
    if run.ours and service.build.files:
        # Where devctl's production stages put the files that are opened at run time.
        spec["working_dir"] = f"{TEMPLATE_SOURCE}/{service.start.workdir}".removesuffix("/.")


def _of_the_dev_stage(user: str) -> bool:
    """Root, who installs and compiles there, or a name, which exists in its image: neither says who production runs as."""
    return not whole(user.partition(":")[0])


def _without_source(spec: OwnSpec) -> None:
    """Production has no file of this machine, and nothing starts in a folder that only such a mount provides."""
    bound = [posixpath.normpath(v["target"]) for v in spec.get("volumes") or [] if v.get("type") == "bind"]
    if any(is_below(str(spec.get("working_dir")), target) for target in bound):
        del spec["working_dir"]
    spec["volumes"] = [
        v for v in spec.get("volumes") or [] if v.get("type") != "bind" and v["target"] != CACHE_TARGET
    ]


def _covers_source(volume: OwnSpec, root: str, service: Service) -> bool:
    """Also a volume that keeps the image's vendor/: devctl's images have none, and what is in the source counts."""
    source, target = str(volume.get("source", "")), volume["target"].rstrip("/")
    vendored = target.startswith(f"{service.mounted_at}/") and posixpath.basename(target) == "vendor"
    in_place = target in (service.mounted_at, CACHE_TARGET) or (vendored and volume.get("type") == "volume")
    return in_place or (service.build.derived is not None and volume.get("type") == "bind" and source == root)


def _share_cache(spec: OwnSpec) -> None:
    """The build cache outlives containers and projects: one volume per user and Go version."""
    kept = [v for v in spec.get("volumes") or [] if v["target"].rstrip("/") != CACHE_TARGET]
    spec["volumes"] = [*kept, {"type": "volume", "source": CACHE_KEY, "target": CACHE_TARGET}]


def _uses_cache(spec: OwnSpec) -> bool:
    return any(v.get("source") == CACHE_KEY for v in spec.get("volumes") or [])


def _ports(theirs: list[OwnSpec], service: Service, host: int) -> list[OwnSpec]:
    """The compose file's ports unchanged; if devctl.yaml names a `host_port`, the service's port is published there."""
    assert service.serve.port is not None
    if not theirs:
        return [_port(service.serve.port, host)]
    if service.serve.host_port is None:
        return theirs
    mine = [p for p in theirs if p.get("target") == service.serve.port and p.get("protocol", "tcp") == "tcp"]
    if not mine:
        return [*theirs, _port(service.serve.port, host)]
    before = mine[0].get("published")  # one port on two addresses is still one port
    moved = [p for p in mine if p.get("published") == before]
    return [{"host_ip": "127.0.0.1", **p, "published": str(host)} if p in moved else p for p in theirs]


def _port(container: int, host: int) -> OwnSpec:
    return {
        "mode": "ingress",
        "host_ip": "127.0.0.1",
        "target": container,
        "published": str(host),
        "protocol": "tcp",
    }


def _localhost_ports(spec: OwnSpec) -> None:
    """A published port without an address is bound to this machine only; one that names an address is kept."""
    for port in spec.get("ports") or []:
        port.setdefault("host_ip", "127.0.0.1")


def _without_our_labels(spec: OwnSpec) -> None:
    """What devctl believes about a container is what devctl itself set, and not a compose file."""
    if spec.get("labels"):
        spec["labels"] = {k: v for k, v in spec["labels"].items() if not k.startswith(f"{LABEL}.")}


def _label(spec: OwnSpec, labels: Mapping[str, str]) -> None:
    spec["labels"] = {**(spec.get("labels") or {}), **labels}


def _label_owned(model: OwnModel, kind: str, project: str, existing: Mapping[str, str]) -> None:
    """Label what devctl will create. A volume that compose created earlier keeps its definition exactly:

    a changed definition would make compose offer to recreate it, and the volume's data would be lost.
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
