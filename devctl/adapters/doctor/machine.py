"""Facts about this machine for the checks of `doctor`, gathered at once from docker, compose and the kernel."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devctl.adapters.docker import cli_config as docker_config
from devctl.adapters.docker.differences import Differences
from devctl.adapters.doctor import container_probe as machine_inside
from devctl.adapters.doctor import kernel as machine_kernel
from devctl.adapters.doctor import processes as machine_processes
from devctl.adapters.doctor import tree as machine_tree
from devctl.adapters.doctor.engine_socket import endpoint, is_denied
from devctl.adapters.system.border import bordered
from devctl.adapters.system.identity import HomeIdentity, flags
from devctl.domain.doctor.facts import EngineFacts, InsideFacts, MachineFacts, ProxyFacts, TreeFacts
from devctl.domain.ports.host import Host
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Processes

if TYPE_CHECKING:
    from docker.client import DockerClient

ANSWER_WITHIN = 3


@bordered()
class SystemMachine:
    """`Machine` through the docker CLI, the SDK (is it the same engine?) and /proc."""

    def __init__(
        self,
        processes: Processes,
        host: Host,
        identity: Identity | None = None,
        *,
        inotify: Path = machine_kernel.INOTIFY,
    ) -> None:
        self._processes = processes
        self._identity = identity or HomeIdentity()
        self._host = host
        self._inotify = inotify

    def facts(self) -> MachineFacts:
        with ThreadPoolExecutor(max_workers=6) as pool:
            engine = pool.submit(self._engine)
            cli = pool.submit(self._said, "docker", "--version")  # does not query an engine
            socket = pool.submit(endpoint, self._processes, self._host)
            compose = pool.submit(self._said, "docker", "compose", "version", "--short")
            buildx = pool.submit(self._said, "docker", "buildx", "version")
            asked = pool.submit(self._said, "docker", "info", "--format", "{{json .}}")
            sdk = pool.submit(_of_sdk, lambda client: client.info())
            server = engine.result()
            raw: dict[str, Any] = json.loads(asked.result() or "{}")
            local = socket.result().startswith("unix://") and raw.get("KernelVersion") == os.uname().release
            config = docker_config.look(docker_config.folder_of(self._host), env=self._host.env)
            room = _room(str(raw.get("DockerRootDir") or "")) if local else None
            return MachineFacts(
                docker_cli=_version_in(cli.result()),
                engine=server[0],
                engine_error=server[1],
                engine_denied=server[0] is None and is_denied(socket.result()),
                podman=server[2],
                cli_endpoint=socket.result(),
                cli_engine_id=str(raw.get("ID") or ""),
                sdk_engine_id=str((sdk.result() or {}).get("ID", "")),
                info=_info(raw, local=local) if raw.get("ID") else None,
                compose=compose.result(),
                buildx=_version_in(buildx.result()),
                disk_free_bytes=room.f_bavail * room.f_frsize if room else None,
                inodes_free=room.f_favail if room else None,
                inodes_total=room.f_files if room else None,
                memory_available_bytes=machine_kernel.memory_available() if local else None,
                inotify_watches=machine_kernel.number(self._inotify / "max_user_watches"),
                inotify_instances=machine_kernel.number(self._inotify / "max_user_instances"),
                host_mtu=machine_kernel.way_out_mtu() if local else None,
                ca_bundle=machine_kernel.ca_bundle(),
                own_cas=machine_kernel.own_cas(),
                proxies=self._proxies(config.proxy),
                docker_config=config,
            )

    def inside(
        self, image: str, *, root: Path | None, owner: tuple[int, int], cache: str = ""
    ) -> InsideFacts:
        mine, user = flags(self._identity), Differences(self._processes).user_for(owner)
        with machine_inside.scratch_corner(root, owner) as corner:
            return machine_inside.look(
                image, self._processes, corner=corner, user=user, cache=cache, labels=mine
            )

    def tree(self, root: Path) -> TreeFacts:
        return machine_tree.look_at(root, self._processes)

    def listener(self, port: int) -> str:
        return machine_processes.listener(port)

    def watchers(self) -> Mapping[int, Path]:
        return machine_processes.watchers()

    def available(self, ref: str) -> bool:
        """The engine makes the request, not this process: its network, proxy or mirror may differ."""
        return _of_sdk(lambda client: client.images.get_registry_data(ref)) is not None

    def _engine(self) -> tuple[str | None, str, bool]:
        done = self._processes.run(["docker", "version", "--format", "{{json .Server}}"], timeout=10)
        if done.code != 0:
            return None, done.stderr, False
        server = json.loads(done.stdout) or {}
        names = [part.get("Name") for part in server.get("Components") or ()]
        return server.get("Version"), "", "Podman Engine" in names

    def _proxies(self, containers: str) -> ProxyFacts:
        named = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
        shell = next((value for name in named if (value := self._host.env(name))), "")
        return ProxyFacts(shell=_without_secret(shell), containers=_without_secret(containers))

    def _said(self, *argv: str) -> str | None:
        done = self._processes.run(argv, timeout=10)
        return done.stdout.strip() if done.code == 0 and done.stdout.strip() else None


def _of_sdk(ask: Callable[[DockerClient], Any]) -> Any:
    """What the engine that the SDK finds by itself says; None if none answers within seconds."""
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        with contextlib.closing(docker.from_env(timeout=ANSWER_WITHIN)) as client:
            return ask(client)
    # The last two: a context that it cannot read.
    except (DockerException, RequestException, KeyError, ValueError):
        return None


def _room(folder: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(folder) if folder else None
    except OSError:  # not everyone can read the engine's folder; its disk is looked up from a parent folder
        return _room(str(Path(folder).parent)) if folder != "/" else None


def _info(raw: dict[str, Any], *, local: bool) -> EngineFacts:
    status = dict(raw.get("DriverStatus") or ())
    return EngineFacts(
        context=str((raw.get("ClientInfo") or {}).get("Context") or "default"),
        rootless=any("name=rootless" in option for option in raw.get("SecurityOptions") or ()),
        storage_driver=str(raw.get("Driver") or ""),
        containerd_store=str(status.get("driver-type", "")).startswith("io.containerd.snapshotter"),
        memory_bytes=raw.get("MemTotal") or None,
        http_proxy=_without_secret(str(raw.get("HttpProxy") or "")),
        https_proxy=_without_secret(str(raw.get("HttpsProxy") or "")),
        local=local,
    )


def _without_secret(address: str) -> str:
    """`http://user:password@proxy:3128` without the part before the @."""
    before, at, host = address.rpartition("@")
    return f"{before.partition('://')[0]}://{host}" if at and "://" in before else host


def _version_in(said: str | None) -> str | None:
    """`github.com/docker/buildx v0.29.1 abc` → v0.29.1; a build without a version counts as the newest."""
    found = re.search(r"(?<!\S)v?\d+\.[\w.+~-]*", said or "")
    return found[0] if found is not None else None
