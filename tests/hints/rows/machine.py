"""A machine in memory on which a command or a setting brings what lacked: docker, an engine, compose."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devctl.domain.plan.engine_state import CACHE_LABEL, MACHINE_LABEL
from devctl.domain.ports.toolbox import Finished
from tests.cli.scripted_docker import ScriptedDocker

IMAGES = ("golang:1.26-alpine", "alpine:3.22", "gcr.io/distroless/static-debian13:nonroot")
LABELS = {CACHE_LABEL: "1", MACHINE_LABEL: "x"}
INSIDE = "clock=1\nmtu=1500\nca=abc\ndns=\ngo=\n"


class Machine(ScriptedDocker):
    """`lacks`: "docker", "engine", "compose". `images`: what the engine has; `denied`: its build caches, whose
    folders are another user's. `archive`: the images of an archive."""

    def __init__(self, *lacks: str) -> None:
        super().__init__("answers", present=True, env=os.environ)
        self.lacks = set(lacks)
        self.images, self.denied = set(IMAGES), set[str]()
        self.archive: tuple[str, ...] = ()

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        words = [word for word in argv if word != "--"]
        if words[0] != "docker":
            return self._on_the_machine(words)
        if "docker" in self.lacks or "engine" in self.lacks or self._context_is_lost():
            self.mood = "missing" if "docker" in self.lacks else "gone"
        else:
            self.mood = "answers"
        match words[1:]:
            case _ if self.mood == "missing":
                pass
            case ["--version"]:
                return Finished(0, "Docker version 28.2.0, build 1", "")
            case ["context", "use", name]:
                self._configured(currentContext=name)
                return Finished(0, name, "")
            case ["context", "inspect", *_]:
                return Finished(0, "unix:///var/run/docker.sock\n", "")
            case ["compose", *_] if "compose" in self.lacks and not _plugin().exists():
                return Finished(1, "", "docker: 'compose' is not a docker command.")
        return super().run(argv, **how)

    def _engine(self, words: Sequence[str]) -> Finished:
        match words:
            case ["load", "-i", _]:
                self.loaded()
                return Finished(0, "", "")
            case ["image", "inspect", *rest] if (
                not set(rest[rest[:1].count("--format") * 2 :]) <= self.images
            ):
                return Finished(1, "", "Error response from daemon: No such image")
            case ["volume", "ls", "--quiet", *_]:
                return Finished(0, "\n".join(self.denied), "")
            case ["inspect", "--type", "volume", *names]:
                return Finished(0, json.dumps([{"Name": name, "Labels": LABELS} for name in names]), "")
            case ["volume", "rm", name]:
                self.denied.discard(name)
                return Finished(0, name, "")
            case ["run", *rest] if "--entrypoint=chown" in rest:
                return Finished(1, "", "chown: /cache: Operation not permitted")
            case ["run", *rest] if "--entrypoint=sh" in rest:
                mounted = {name for name in self.denied if f"source={name}" in " ".join(rest)}
                return Finished(0, INSIDE + ("denied=/cache/go-build\n" if mounted else ""), "")
        return super()._engine(words)

    def loaded(self) -> list[str]:
        self.images |= set(self.archive)
        return list(self.archive)

    def _on_the_machine(self, words: Sequence[str]) -> Finished:
        match words:
            case ["apt-get", "-q", "install", *packages] if "docker.io" in packages:
                self.lacks -= {"docker", "engine"}
            case ["systemctl", "start", "docker"]:
                self.lacks.discard("engine")
            case ["apt-get", "--version"]:
                pass
            case ["dockerd", "--version"] if "docker" not in self.lacks:
                pass
            case ["apt-get", "-q", "update"]:
                pass
            case _:
                return Finished(127, "", f"{words[0]}: program not found", started=False)
        return Finished(0, "", "")

    def _context_is_lost(self) -> bool:
        return self._configured().get("currentContext", "default") != "default"

    def _configured(self, **changed: str) -> dict[str, Any]:
        path = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
        try:
            said = {**json.loads(path.read_text()), **changed}
        except (OSError, ValueError):
            return {}
        if changed:
            path.write_text(json.dumps(said))
        return said


def _plugin() -> Path:
    return Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins/docker-compose"
