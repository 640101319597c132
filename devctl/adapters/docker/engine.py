"""Reads the engine through the docker CLI's JSON: 15 ms per call, where importing a client library costs 120
(docs/decisions/0001)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from devctl.adapters.docker.differences import Differences
from devctl.adapters.docker.engine_errors import engine_error, must_answer
from devctl.adapters.docker.image_size import content_bytes
from devctl.adapters.system.border import MustStart, bordered
from devctl.adapters.system.host import SystemClock
from devctl.adapters.system.process import no_answer
from devctl.domain.command.argv import docker
from devctl.domain.command.state import Health
from devctl.domain.compose.host_ports import port_range
from devctl.domain.numbers import whole
from devctl.domain.plan.engine_state import (
    COMPOSE_PROJECT_LABEL,
    COMPOSE_SERVICE_LABEL,
    MACHINE_LABEL,
    PROJECT_LABEL,
    Container,
    Image,
    Kind,
    Labelled,
    LastRun,
    Observed,
)
from devctl.domain.ports.toolbox import Finished, Processes

CHANGED_WITHIN = 600.0
READ_WITHIN = 10.0
"""Seconds to read a file from a container."""
FILE = 1_000_000
"""Bytes read of a file in a container."""
LOG = 4_000_000
"""Bytes kept from the end of a container's log: a line can have any length."""


@bordered()
class EngineCli:
    """`Engine` through the docker CLI, so the active context, DOCKER_HOST, TLS and ssh apply as the user set them."""

    def __init__(self, processes: Processes) -> None:
        self._processes = MustStart(processes)
        self._differences = Differences(processes)

    def version(self) -> str:
        return self._docker("version", "--format", "{{.Server.Version}}").output.strip()

    def room(self) -> tuple[int, int]:
        said = self._docker("info", "--format", "{{.NCPU}} {{.MemTotal}}").stdout.split()
        cores, memory = map(whole, said) if len(said) == 2 else (None, None)
        return cores or 1, memory or 0

    def user_for(self, owner: tuple[int, int]) -> str:
        return self._differences.user_for(owner)

    def builds_remove_images(self) -> bool:
        return self._differences.builds_remove_images()

    def sees(self, path: Path) -> bool:
        return self._differences.sees(path)

    def observe(self, project: str) -> Observed:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(3) as pool:  # in parallel: most of a call is the client's own start-up
            pool.submit(self._differences.is_rootless)  # asked soon afterwards by whoever looks
            volumes = pool.submit(self._named, "volume", project)
            networks = pool.submit(self._named, "network", project)
            return replace(
                self.containers(project),
                volumes={name: project for name, (project, _) in volumes.result().items()},
                networks={name: project for name, (project, _) in networks.result().items()},
                machines={name: machine for name, (_, machine) in networks.result().items() if machine},
            )

    def containers(self, project: str) -> Observed:
        """Only the containers: two calls instead of four, for what is requested often.

        Without those of `docker compose run`, which belong to no service. A container that shares another's network is reached
        through that one's ports.
        """
        ids = self._ids("ps", "--all", "--filter", f"label={COMPOSE_PROJECT_LABEL}={project}")
        found = [_container(raw) for raw in self._inspected("container", ids)]
        ports = {c.id: c.ports for c in found}
        shared = [replace(c, ports=ports.get(c.network_of, {})) if c.network_of else c for c in found]
        return Observed(tuple(c for c in shared if c.labels.get("com.docker.compose.oneoff") != "True"))

    def running(self, project: str) -> list[str]:
        shown = "{{.ID}}\t{{.State}}\t{{.Status}}"
        wanted = f"label={COMPOSE_PROJECT_LABEL}={project}"
        done = self._docker("ps", "--no-trunc", "--filter", wanted, "--format", shown)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        # `docker ps` shows a container's health only within its status text; `inspect` would be a second call.
        return sorted(i for i, state, status in rows if state == "running" and "unhealthy" not in status)

    def images(self, refs: Sequence[str]) -> Mapping[str, Image]:
        shown = "{{.Id}}\t{{.Config.User}}\t{{json .Config.Labels}}"
        refs = list(dict.fromkeys(refs))
        done = self._run("image", "inspect", "--format", shown, to=refs) if refs else None
        if done is None or done.code == 0:
            lines = done.stdout.splitlines() if done is not None else []
            return {ref: _image(line) for ref, line in zip(refs, lines, strict=True)}
        must_answer(self._processes)
        if len(refs) == 1:
            return {}
        # One of them does not exist, and the answer does not say which.
        alone = {ref: self._run("image", "inspect", "--format", shown, to=[ref]) for ref in refs}
        return {ref: _image(found.stdout.strip("\n")) for ref, found in alone.items() if found.code == 0}

    def tag(self, image_id: str, ref: str) -> None:
        self._docker("tag", to=[image_id, ref])

    def remove_image(self, image_id: str, *, keep_cache: bool = False) -> bool:
        flags = ["--no-prune"] if keep_cache else []
        return self._run("image", "rm", *flags, to=[image_id], timeout=CHANGED_WITHIN).code == 0

    def untagged(self, labels: Mapping[str, str]) -> Sequence[str]:
        wanted = [word for key, value in labels.items() for word in ("--filter", f"label={key}={value}")]
        return list(dict.fromkeys(self._ids("image", "ls", "--filter", "dangling=true", *wanted)))

    def remove_containers(self, ids: Sequence[str]) -> None:
        if ids:
            self._docker("rm", "--force", to=ids, timeout=CHANGED_WITHIN)

    def unpause(self, ids: Sequence[str]) -> None:
        if ids:
            self._docker("unpause", to=ids)

    def commit(self, container: str, ref: str) -> None:
        self._docker("commit", to=[container, ref], timeout=CHANGED_WITHIN)

    def labelled(self, kind: Kind, label: str) -> Sequence[Labelled]:
        how = ["ps", "--all", "--no-trunc"] if kind == "container" else [kind, "ls"]
        how += ["--no-trunc"] if kind == "image" else []
        ids = self._docker(*how, "--quiet", "--filter", f"label={label}").stdout.split()
        return [_labelled(kind, raw) for raw in self._inspected(kind, list(dict.fromkeys(ids)))]

    def remove(self, thing: Labelled) -> bool:
        how = ["rm", "--force"] if thing.kind == "container" else [thing.kind, "rm"]
        return self._run(*how, to=[thing.name], timeout=CHANGED_WITHIN).code == 0

    def names(self, kind: Kind) -> frozenset[str]:
        return frozenset(self._docker(kind, "ls", "--format", "{{.Name}}").stdout.split())

    def create(self, kind: Kind, name: str) -> None:
        self._docker(kind, "create", to=[name])

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        flags = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
        self._docker("volume", "create", *flags, to=[name])

    def logs(self, container: str, *, tail: int) -> str:
        # Two streams come back; only the times tell in which order their lines were printed. They have a fixed width.
        done = self._run("logs", "--timestamps", "--tail", str(tail), to=[container], last=LOG)
        if done.code != 0:
            return done.output
        timed = [line.partition(" ") for line in f"{done.stdout}\n{done.stderr}".split("\n") if line]
        return "\n".join(text for _, _, text in sorted(timed, key=itemgetter(0)))

    def last_run(self, container: str, *, tail: int) -> LastRun | None:
        # The state of a restarted container no longer has it; the engine's events of the last minutes do.
        shown = "{{.TimeNano}} {{.Action}} {{.Actor.Attributes.exitCode}}"
        wanted = ("--filter", f"container={container}", "--filter", "event=die", "--filter", "event=oom")
        until = f"{SystemClock().now():.9f}"  # the client rounds `0s` to whole seconds, and would miss what ended in this one
        done = self._run("events", "--since", "30m", "--until", until, *wanted, "--format", shown)
        events = [line.split() for line in done.stdout.splitlines()]
        ends = [(_seconds(words[0]), int(words[2])) for words in events if words[1] == "die"]
        if done.code != 0 or not ends:
            return None
        # An exit is reported once everything printed before it is in the log.
        since = ["--since", ends[-2][0]] if len(ends) > 1 else []
        log = self._run("logs", *since, "--until", ends[-1][0], to=[container], last=LOG).output
        # That exit is reported apart from the log, before or after it: which run it belongs to cannot be determined.
        oom = any(what == "oom" for _, what, *_ in events)
        return LastRun(ends[-1][1], "\n".join(log.splitlines()[-tail:]), oom)

    def image_bytes(self, ref: str) -> int | None:
        return content_bytes(self._processes, self._differences, ref)

    def disk_use(self) -> Mapping[str, str]:
        done = self._run("system", "df", "--format", "{{.Type}}\t{{.Size}}", timeout=READ_WITHIN)
        return dict(line.split("\t") for line in done.stdout.splitlines()) if done.code == 0 else {}

    def read_files(self, container: str, *paths: str) -> str | None:
        # The container's processes may have replaced one with a FIFO, or with a link to /dev/zero.
        regular = f'none=1; for f; do [ ! -f "$f" ] || {{ head -c {FILE} "$f" && none=0; }}; done; exit $none'
        done = self._run("exec", to=[container, "sh", "-c", regular, "sh", *paths], timeout=READ_WITHIN)
        return done.stdout if done.code == 0 else None

    def ports_in_use(self) -> Mapping[int, str]:
        done = self._docker("ps", "--format", "{{json .}}")
        used: dict[int, str] = {}
        for line in done.stdout.splitlines():
            row = json.loads(line)
            for part in str(row["Ports"]).split(", "):
                host, arrow, inside = part.partition("->")  # `0.0.0.0:8000-8003->8000-8003/tcp`
                if arrow and not inside.endswith("/udp"):
                    used |= dict.fromkeys(port_range(host.rpartition(":")[2]), str(row["Names"]))
        return used

    def _ids(self, *args: str) -> list[str]:
        return self._docker(*args, "--no-trunc", "--quiet").stdout.split()

    def _named(self, noun: str, project: str) -> Mapping[str, tuple[str, str]]:
        """Name → devctl's labels for project and machine, "" if there are none."""
        wanted = f"label={COMPOSE_PROJECT_LABEL}={project}"
        shown = f'{{{{.Name}}}}\t{{{{.Label "{PROJECT_LABEL}"}}}}\t{{{{.Label "{MACHINE_LABEL}"}}}}'
        done = self._docker(noun, "ls", "--filter", wanted, "--format", shown)
        rows = (line.split("\t") for line in done.stdout.splitlines())
        return {name: (project, machine) for name, project, machine in rows}

    def _inspected(self, kind: Kind, ids: Sequence[str]) -> list[dict[str, Any]]:
        """A container that disappeared meanwhile is simply absent."""
        said = self._run("inspect", "--type", kind, to=ids).stdout.strip() if ids else ""
        return list(json.loads(said)) if said else []

    def _run(
        self, *flags: str, to: Sequence[str] = (), timeout: float | None = None, last: int | None = None
    ) -> Finished:
        """A query has the same time limit as every program; `timeout` is for changes, which may move gigabytes."""
        return self._processes.run(docker(*flags, to=to), timeout=timeout, last=last)

    def _docker(self, *flags: str, to: Sequence[str] = (), timeout: float | None = None) -> Finished:
        done = self._run(*flags, to=to, timeout=timeout)
        if done.code == 124 and timeout is not None:
            raise no_answer(docker(*flags), timeout)
        if done.code != 0:
            raise engine_error(self._processes, done)
        return done


_NEVER = "0001-01-01"
"""How the engine writes a time that has not come."""


def _container(raw: dict[str, Any]) -> Container:
    state, config = raw["State"], raw["Config"]
    labels = dict(config.get("Labels") or {})
    return Container(
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        service=labels.get(COMPOSE_SERVICE_LABEL, ""),
        state=state["Status"],
        health=_health(state.get("Health")),
        exit_code=int(state.get("ExitCode", 0)),
        image=config["Image"],
        image_id=raw["Image"],
        labels=labels,
        ports=_ports(raw),
        started_at=state.get("StartedAt", ""),
        ended_before="" if (ended := state.get("FinishedAt", "")).startswith(_NEVER) else ended,
        network_of=raw["HostConfig"].get("NetworkMode", "").partition("container:")[2],
        on_host=raw["HostConfig"].get("NetworkMode") == "host",
        oom_killed=bool(state.get("OOMKilled")),
        user=config.get("User", ""),
        read_only=bool(raw["HostConfig"].get("ReadonlyRootfs")),
        cap_drop=tuple(raw["HostConfig"].get("CapDrop") or ()),
        security_opt=tuple(raw["HostConfig"].get("SecurityOpt") or ()),
        bind_sources=tuple(m["Source"] for m in raw.get("Mounts") or () if m["Type"] == "bind"),
        restarts=int(raw.get("RestartCount", 0)),
        env=dict(line.partition("=")[::2] for line in config.get("Env") or ()),
        mounts=_mounts(raw),
        cap_add=tuple(raw["HostConfig"].get("CapAdd") or ()),
        command=(raw.get("Path") or "", *(raw.get("Args") or ())),
        init=bool(raw["HostConfig"].get("Init")),
        addresses=_addresses(raw),
    )


def _addresses(raw: dict[str, Any]) -> tuple[str, ...]:
    networks = raw["NetworkSettings"].get("Networks") or {}
    found = ((name, (it or {}).get("IPAddress")) for name, it in networks.items())
    return tuple(sorted(f"{name} {address}" for name, address in found if address))


def _image(line: str) -> Image:
    image_id, user, labels = line.split("\t")
    return Image(image_id, user, json.loads(labels) or {})


def _seconds(nanoseconds: str) -> str:
    return f"{nanoseconds[:-9]}.{nanoseconds[-9:]}"


def _mounts(raw: dict[str, Any]) -> tuple[str, ...]:
    """Target and kind, with the source if a person chose it: `/app (bind /home/me/shop)`, `/data (volume db)`."""
    found = [
        (m["Destination"], f"{m['Type']} {m.get('Name') or m.get('Source') or ''}".strip())
        for m in raw.get("Mounts") or ()
    ]
    found += [(target, "tmpfs") for target in raw["HostConfig"].get("Tmpfs") or ()]
    return tuple(f"{target} ({what})" for target, what in sorted(dict(found).items()))


def _labelled(kind: Kind, raw: dict[str, Any]) -> Labelled:
    inside = raw.get("Config") or {} if kind in ("container", "image") else raw
    name = str(raw.get("Name", "")).lstrip("/")
    if kind == "image":
        name = next(iter(raw.get("RepoTags") or ()), raw["Id"])
    return Labelled(
        kind,
        id=raw.get("Id", name),
        name=name,
        labels=dict(inside.get("Labels") or {}),
        in_use=kind == "container" and raw["State"]["Status"] in ("running", "paused", "restarting"),
    )


def _health(raw: dict[str, Any] | None) -> Health:
    word = (raw or {}).get("Status")
    return word if word in ("healthy", "unhealthy", "starting") else "none"


def _ports(raw: dict[str, Any]) -> dict[int, tuple[str, int]]:
    # HostConfig first: it is also known for a stopped container; for a random host port the network settings apply.
    live = raw["NetworkSettings"].get("Ports") or {}
    bound = {**(raw["HostConfig"].get("PortBindings") or {}), **{p: at for p, at in live.items() if at}}
    return {
        int(port.split("/")[0]): (entries[0]["HostIp"], int(entries[0]["HostPort"]))
        for port, entries in bound.items()
        if entries and entries[0].get("HostPort") and port.endswith("/tcp")
    }
