"""What the engine shows, as plain data: one snapshot, with no further queries until a plan runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct, field

from devctl.domain.command.state import Health, Mode
from devctl.domain.debug.debugging import Debugging, read_label
from devctl.domain.dockerfile.runtime_bases import NONROOT
from devctl.domain.project.log_lines import LOG_MARK

LABEL = "dev.devctl"
PROJECT_LABEL = f"{LABEL}.project"
SERVICE_LABEL = f"{LABEL}.service"
MODE_LABEL = f"{LABEL}.mode"
DEPS_LABEL = f"{LABEL}.deps"
INPUTS_LABEL = f"{LABEL}.inputs"
BASES_LABEL = f"{LABEL}.bases"
"""A digest of the images that it was built on."""
AGAIN_LABEL = f"{LABEL}.again"
"""On dev images: when a new deps layer was requested. Later builds of the service are based on that one."""
VERSION_LABEL = f"{LABEL}.version"
CACHE_LABEL = f"{LABEL}.cache"
DEBUG_LABEL = f"{LABEL}.debug"
"""On a container whose program runs under a debugger: how, as in `Debugging.label`."""
DEFINITION_LABEL = f"{LABEL}.definition"
"""On a dependency's container: a digest of what the compose file said about it."""
GIVEN_LABEL = f"{LABEL}.given"
"""A digest of the configs that are written in the compose file."""
MACHINE_LABEL = f"{LABEL}.machine"
"""The machine that created it: an engine may be shared, and another machine's folders cannot be seen from here."""
TEMPORARY_LABEL = f"{LABEL}.temporary"
"""The process that it must not outlive."""
ROOT_LABEL = f"{LABEL}.root"
"""On images: the project's folder, so that `clean` can tell whose folder is gone."""
FOLDER_LABEL = f"{LABEL}.folder"
"""On containers that mount something of the project: which folder that was. A folder that was deleted and cloned again has the
same path, but the mounts still show the old one."""
WORKING_DIR_LABEL = "com.docker.compose.project.working_dir"
ASSEMBLED_LABEL = f"{LABEL}.assembled"
COMPOSE_PROJECT_LABEL = "com.docker.compose.project"
COMPOSE_SERVICE_LABEL = "com.docker.compose.service"


class Container(Struct, frozen=True):
    """`state` is the engine's word; `ports` maps container port to (host ip, host port); times are RFC 3339."""

    id: str
    name: str
    service: str
    state: str
    health: Health
    exit_code: int
    image: str
    image_id: str
    labels: dict[str, str] = field(default_factory=dict)
    ports: dict[int, tuple[str, int]] = field(default_factory=dict)
    started_at: str = ""
    ended_before: str = ""
    """When its run before this one ended; "" if this is its first."""
    oom_killed: bool = False
    user: str = ""
    read_only: bool = False
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    bind_sources: tuple[str, ...] = ()
    restarts: int = 0
    env: dict[str, str] = field(default_factory=dict)
    """Values too, for comparison; they are never shown."""
    mounts: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    init: bool = False
    addresses: tuple[str, ...] = ()
    """In its networks: `shop_default 172.18.0.2`; none while it is not running."""
    network_of: str = ""
    """The id of the container whose network it shares, and whose ports it uses."""
    on_host: bool = False
    """Whether it uses the host's network, where nothing is published and each of its ports is the host's."""

    def __repr__(self) -> str:
        return f"Container({self.name!r})"

    @property
    def mode(self) -> Mode | None:
        """None for a container that devctl only starts, such as a database's."""
        match self.labels.get(MODE_LABEL):
            case "dev" | "prod" as mode:
                return mode
            case _:
                return None

    @property
    def log_from(self) -> str:
        """From when on its log is that of this run, for `docker logs --since`. Not from `started_at`: the engine notes that once
        the process runs, and by then it may have printed something."""
        return self.ended_before or "0"

    @property
    def succeeded(self) -> bool:
        """Whether it ran to its end."""
        return self.state == "exited" and self.exit_code == 0

    @property
    def hosts(self) -> list[str]:
        """Its addresses, without the networks that they belong to."""
        return [address.rpartition(" ")[2] for address in self.addresses]

    @property
    def log_mark(self) -> str:
        """What devctl's reloader puts before its lines in the log; "" if none runs: any container may have such a variable."""
        return self.env.get(LOG_MARK, "") if self.mode == "dev" else ""

    @property
    def debugging(self) -> Debugging | None:
        """None for a container whose program runs without a debugger."""
        return read_label(self.labels.get(DEBUG_LABEL, ""))

    def published(self, port: int | None) -> tuple[str, int] | None:
        """The address on this machine of a port of the container; None if it is not published."""
        if self.on_host and port is not None:
            return "127.0.0.1", port
        if port not in self.ports:
            return None
        host, on_host = self.ports[port]
        return ("127.0.0.1" if host in ("", "0.0.0.0", "::") else host), on_host  # read, not bound


class LastRun(Struct, frozen=True):
    """How the last run of a container ended, and what only that run printed. `oom_killed`: it or an earlier run."""

    exit_code: int
    log: str
    oom_killed: bool = False


Kind = Literal["container", "image", "network", "volume"]


class Labelled(Struct, frozen=True):
    """Anything in the engine that has a devctl label. `name` is the id for an image without a tag; `in_use`: by a running
    container."""

    kind: Kind
    id: str
    name: str
    labels: dict[str, str] = field(default_factory=dict)
    in_use: bool = False


class Image(Struct, frozen=True):
    id: str
    user: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def run_as(self) -> str:
        """The image's own user if it is not root; else that of devctl's own stages."""
        return NONROOT if self.user in ("", "0", "root", "0:0", "root:root") else self.user


class Observed(Struct, frozen=True):
    """`volumes` and `networks`: name to the value of devctl's project label ("" if compose created it without devctl);
    `machines`: networks with a machine's label, and that label."""

    containers: tuple[Container, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[str, str] = field(default_factory=dict)

    def of(self, service: str) -> Container | None:
        """The container of a compose service; a running one before a stopped one."""
        mine = [c for c in self.containers if c.service == service]
        return next((c for c in mine if c.state == "running"), mine[0] if mine else None)

    def former(self, services: Collection[str]) -> list[str]:
        """Go services that have containers still, but are none of `services`: the files said so earlier."""
        mine = (c.service for c in self.containers if c.labels.get(SERVICE_LABEL) == c.service)
        return [name for name in dict.fromkeys(mine) if name not in services]

    def network_is_gone(self, container: Container) -> bool:
        """Whether the container whose network it shares was restarted or recreated: it is then left in a network that no
        longer exists."""
        if not container.network_of:
            return False
        holder = next((c for c in self.containers if c.id == container.network_of), None)
        return holder is not None and _time(holder.started_at) > _time(container.started_at)


def _time(text: str) -> tuple[str, str]:
    """Comparable: the engine cuts off trailing zeros of a fraction."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")
