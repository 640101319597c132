"""The input of the readiness checks."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from devctl.domain.dockerfile.facts import DockerfileFacts, Stage
from devctl.domain.dockerfile.stages import effective
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.project.model import Service


class HealthCheck(Struct, frozen=True):
    """`test` as the engine takes it: `("CMD-SHELL", "curl …")`; `place`: its line."""

    test: tuple[str, ...]
    place: str


class Inspected(Struct, frozen=True):
    """What is known about one image: `image` read with its files, `functions` of its Go program (empty if unknown), `settings`
    it was built with (`CGO_ENABLED` → `0`), `dockerfile` and `stage` it was built from (None if the stage is devctl's own).
    `listed`: what `go list` says about the program (None: it could not be run); `rebuilt_by`: extensions of files whose save
    rebuilds it in dev, besides those it is known to embed (None: unknown). `health`: that of the compose file, which precedes
    the image's own. `zone`: the value of TZ, if it is not UTC."""

    image: ImageFacts
    service: Service
    functions: frozenset[str] = frozenset()
    dockerfile: DockerfileFacts | None = None
    stage: Stage | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    listed: Listing | None = None
    rebuilt_by: frozenset[str] | None = None
    health: HealthCheck | None = None
    zone: str = ""

    def line(self, *cmds: str) -> str | None:
        """`Dockerfile:12` of the instruction that applies, else of the stage's FROM."""
        if self.dockerfile is None or self.stage is None:
            return None
        found = (effective(self.dockerfile, self.stage, cmd) for cmd in cmds)
        number = next((i.line for i in found if i is not None), self.stage.line)
        return f"{self.dockerfile.path}:{number}"

    @property
    def shell(self) -> bool:
        return "/bin/sh" in self.image.files
