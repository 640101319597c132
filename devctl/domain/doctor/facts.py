"""What the checks of `doctor` judge: facts of the machine, of a container on it, and of the project's folder."""

from __future__ import annotations

from msgspec import Struct

from devctl.domain.bases.references import BaseState
from devctl.domain.go.module_gaps import ModuleGap

DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"


class EngineFacts(Struct, frozen=True, kw_only=True):
    """What `docker info` says. `local`: it runs under this machine's kernel, so its disk and memory are this machine's."""

    context: str = "default"
    rootless: bool = False
    storage_driver: str = ""
    containerd_store: bool = False
    memory_bytes: int | None = None
    http_proxy: str = ""
    https_proxy: str = ""
    local: bool = False


class ProxyFacts(Struct, frozen=True, kw_only=True):
    """Proxy variables: of this shell, and of `proxies` in the docker CLI's configuration, which containers get."""

    shell: str = ""
    containers: str = ""


class DockerConfigFacts(Struct, frozen=True):
    """docker's `config.json`. `lost_helpers`: credential helpers that it names but that are not installed; `lost_context`: the
    context in use, if its description or its socket is gone; `proxy`: the one that containers get."""

    path: str = "~/.docker/config.json"
    broken: bool = False
    lost_helpers: tuple[str, ...] = ()
    lost_context: str = ""
    proxy: str = ""


class InsideFacts(Struct, frozen=True, kw_only=True):
    """Seen from one container on the default bridge, run as the project's owner. "" is an answer, None means "unknown".

    `dns`, `go_proxy`: why it failed, "" if it did not. `made_by`: the owner, on the host, of a file that the container created
    in the project's folder. `cache`: the volume with the shared build cache, `cache_denied` the first folder in it that is not
    writable, "" if there is none.
    """

    image: str = ""
    error: str = ""
    clock_skew: float | None = None
    mtu: int | None = None
    ca_bundle: str | None = None
    dns: str | None = None
    go_proxy: str | None = None
    made_by: tuple[int, int] | None = None
    cache: str = ""
    cache_denied: str | None = None


class TreeFacts(Struct, frozen=True, kw_only=True):
    """The project's folder. `foreign`: the first files of other users; `crlf_scripts`: with CRLF, and run by an image;
    `locked_scripts`: those without the executable bit.

    `events_arrive`: what the watcher found when it tried a save with a listener in the dev container.
    """

    root: str
    owner: tuple[int, int]
    kind: str = ""
    eventless: bool = False
    case_insensitive: bool = False
    foreign: tuple[str, ...] = ()
    foreign_count: int = 0
    crlf_scripts: tuple[str, ...] = ()
    locked_scripts: tuple[str, ...] = ()
    git_distrusts: bool | None = None
    events_arrive: bool | None = None


class PortFact(Struct, frozen=True, kw_only=True):
    """A host port that a service wants. `holder`: what uses it, "" if it is free or used by the service itself."""

    service: str
    port: int
    fixed: bool
    holder: str = ""
    remedy: str = ""


class MachineFacts(Struct, frozen=True, kw_only=True):
    """None: does not exist, or cannot be determined (a remote engine's disk).

    `docker_cli`, `engine`, `compose`, `buildx` are versions; `pullable` are the missing bases that a registry has.
    `abandoned`: containers running for a project whose folder is gone; `externals`: external networks and volumes of the
    compose file that do not exist, such as `network back`; `gaps`: in the project's modules. `engine_denied`: its socket
    exists, but not for this user; `registry_answers`: for a base; `host_mtu`: of the outgoing interface; `own_cas`:
    certificates that an administrator added.
    """

    docker_cli: str | None = None
    engine: str | None = None
    engine_error: str = ""
    engine_denied: bool = False
    podman: bool = False
    cli_endpoint: str = ""
    cli_engine_id: str = ""
    sdk_engine_id: str = ""
    info: EngineFacts | None = None
    compose: str | None = None
    buildx: str | None = None
    disk_free_bytes: int | None = None
    inodes_free: int | None = None
    inodes_total: int | None = None
    memory_available_bytes: int | None = None
    inotify_watches: int | None = None
    inotify_instances: int | None = None
    host_mtu: int | None = None
    ca_bundle: str | None = None
    own_cas: int = 0
    proxies: ProxyFacts | None = None
    docker_config: DockerConfigFacts | None = None
    bases: tuple[BaseState, ...] = ()
    pullable: frozenset[str] = frozenset()
    registry_answers: bool | None = None
    inside: InsideFacts | None = None
    tree: TreeFacts | None = None
    ports: tuple[PortFact, ...] | None = None
    lock_holder: str | None = None
    leftovers: tuple[str, ...] | None = None
    abandoned: tuple[str, ...] | None = None
    externals: tuple[str, ...] | None = None
    gaps: tuple[ModuleGap, ...] | None = None
