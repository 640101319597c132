"""Where engines and versions of compose differ, and what devctl does about it: the whole list, with what was measured, is in
docs/reference/engines.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devctl.adapters.docker.layers import history_tells_contents, is_containerd_store, is_podman
from devctl.adapters.system.border import MustStart
from devctl.adapters.system.host import SystemHost
from devctl.domain.command.argv import docker, mount
from devctl.domain.doctor.buildx import COMPOSE_NEEDS_BUILDX, INSTALL_BUILDX, buildx_refused
from devctl.domain.numbers import version
from devctl.domain.ports.toolbox import Processes
from devctl.domain.regex import regex
from devctl.errors import MachineError

_VERSION = regex(r"(?<!\S)v?\d+\.[\w.+~-]*")
_NO_IMAGE = "devctl.invalid/none:none"
_NO_SOURCE = "bind source path does not exist"
"""The engine's words for a mount of what it does not have; moby: volume/mounts/validate.go."""
# Compose 2 prints one of these for each build without buildx, whatever COMPOSE_BAKE says (pkg/compose/build_bake.go).
# buildah warns of each ARG without a value, and of one by BuildKit that it does not know.
_CAUSED_BY_DEVCTL = (
    "COMPOSE_BAKE=false is deprecated",
    "configured to build using Bake, but",
    " build argument. Try adding ",
    "build args were not consumed: [BUILDKIT_CACHE_MOUNT_NS]",
)
_BUILD = {
    # Without it, the containerd image store gives each cached build a new id, and `up` would recreate containers every time.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    # Without buildx, compose 2.40 warns about Bake and then builds with its own BuildKit; this requests that right away.
    "COMPOSE_BAKE": "false",
    # Engines before 23 build without BuildKit by default.
    "DOCKER_BUILDKIT": "1",
}


class Differences:
    """Of the engine and the compose behind the docker command. What was answered once is not asked again by this object."""

    def __init__(self, processes: Processes) -> None:
        self._processes = MustStart(processes)
        self._answers: dict[str, Any] = {}

    def is_podman(self) -> bool:
        """Its builder is buildah, and for a BuildKit build it would first fetch and start a container with BuildKit."""
        return is_podman(self._server())

    def is_rootless(self) -> bool:
        """Root in a container is then the user, and every other user ID one that owns nothing on the host."""
        options = self._info().get("SecurityOptions") or ()
        return any("name=rootless" in option for option in options)

    def user_for(self, owner: tuple[int, int]) -> str:
        """As whom a container creates files that belong to `owner` on the host."""
        return "0:0" if self.is_rootless() else f"{owner[0]}:{owner[1]}"

    def history_tells_contents(self) -> bool:
        """Whether the sizes in the history of an image are what its layers contain, and not what they take on a disk."""
        return history_tells_contents(self._info(), self._server())

    def builds_remove_images(self) -> bool:
        """Whether a build removes the image whose last name it takes, even while a container uses it."""
        return is_containerd_store(self._info())

    def sees(self, path: Path) -> bool:
        """Whether a file of this machine exists for the engine's bind mounts too.

        A mount is checked before the image is looked up, so nothing is created. podman looks for the image first: there the
        answer is always yes.
        """
        argv = docker("create", "--pull", "never", mount("bind", str(path), "/x"), to=[_NO_IMAGE])
        return _NO_SOURCE not in self._processes.run(argv).stderr

    def build_environment(self) -> Mapping[str, str]:
        """What a build needs besides the environment of every child; what the caller has set stays.

        Raises MachineError `buildx-missing` if compose could not build: it would itself report a Dockerfile that it cannot read.
        """
        wanted = {**_BUILD, "DOCKER_BUILDKIT": "0"} if self.is_podman() else _BUILD
        theirs = {name: SystemHost().env(name) for name in wanted}
        if (theirs["DOCKER_BUILDKIT"] or wanted["DOCKER_BUILDKIT"]) != "0":
            self._must_build_with_buildkit()
        return {name: value for name, value in wanted.items() if theirs[name] is None}

    def _must_build_with_buildkit(self) -> None:
        """Compose 2 has a builder of its own, and COMPOSE_BAKE=false selects it."""
        compose = self._version("compose", "version", "--short")
        if compose is not None and version(compose) >= COMPOSE_NEEDS_BUILDX:
            refused = buildx_refused(compose, self._version("buildx", "version"))
            if refused is not None:
                raise MachineError(refused, code="buildx-missing", hint=INSTALL_BUILDX)

    def _server(self) -> Mapping[str, Any]:
        return self._asked("version", "--format", "{{json .Server}}")

    def _info(self) -> Mapping[str, Any]:
        return self._asked("info", "--format", "{{json .}}")

    def _asked(self, *words: str) -> Mapping[str, Any]:
        key = " ".join(words)
        if key not in self._answers:
            done = self._processes.run(docker(*words))
            if done.code != 0:
                return {}
            try:
                said = json.loads(done.stdout)
            except ValueError:  # `<no value>`: an engine that does not tell
                said = None
            if isinstance(said, dict) and said.get("ServerErrors"):  # docker 20.10 exits with 0 even so
                return {}
            self._answers[key] = said if isinstance(said, dict) else {}
        return dict(self._answers[key])

    def _version(self, *words: str) -> str | None:
        key = " ".join(words)
        if key not in self._answers:
            done = self._processes.run(docker(*words))
            found = _VERSION.search(done.stdout) if done.code == 0 else None
            if found is None:
                return None
            self._answers[key] = found[0]
        return str(self._answers[key])


def is_caused_by_devctl(line: str) -> bool:
    """Whether a line of a build warns of a setting that is devctl's own."""
    return any(words in line for words in _CAUSED_BY_DEVCTL)
