"""The service that `demo` shows: saving its source, adding to its go.mod, and waiting for the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from devctl.domain.command.argv import docker
from devctl.domain.command.events import LogLine
from devctl.domain.command.requests import UpRequest
from devctl.domain.command.state import State
from devctl.domain.dockerfile.runtime_bases import RUNTIME_BASES
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.state_folder import EVENTS
from devctl.errors import MachineError, ProjectError
from devctl.workflows.dev import lifecycle
from devctl.workflows.dev.lifecycle import PORT_TRIES
from devctl.workflows.logs.recorded_events import recorded_event
from devctl.workflows.session.host_ports import free_port, taken_port

KEPT_HINT = "devctl demo --keep leaves it running for inspection"

SOURCE = "internal/web/web.go"
MODULE = "github.com/google/uuid"
VERSION = "v1.6.0"
GET_WITHIN = 600.0
SEEN = 120.0
"""Seconds within which an edit must be served: on a busy machine a build takes many times as long."""
REBUILT = 180.0
"""Seconds for a new deps layer, download included."""
POLL = 0.01


class DemoService(Struct):
    """A project created by `new` in a separate folder."""

    box: Toolbox
    root: Path
    url: str = ""

    def up(self) -> State:
        state = State.of(lifecycle.up(UpRequest(project=self.root, detach=True, yes=True), self.box).result)
        self.url = next(s.url for s in state.services if s.url)
        return state

    def up_on_a_free_port(self) -> State:
        """Another program, perhaps a second demo, may take the port before the engine does."""
        tries = PORT_TRIES
        while True:
            port = self.free_port()
            own = self.box.files.owner(self.root)
            self.box.files.write_atomic(
                self.root / ".env", f"HOST_PORT={port}\n", within=self.root, owner=own
            )
            try:
                return self.up()
            except MachineError as error:
                if not tries or taken_port(error) != port:
                    raise
                tries -= 1

    def free_port(self) -> int:
        port = free_port(self.box.engine, self.box.host, 8080)
        if port is None:
            hint = "docker ps shows what uses them"
            raise MachineError("no free port from 8080 to 8179", code="port-taken", hint=hint)
        return port

    def source(self) -> str:
        return self.box.files.read_text(self.root / SOURCE, within=self.root) or ""

    def save(self, text: str, expected: str) -> float:
        """Save like an editor; returns the seconds until it is served."""
        if text == self.source():
            raise ProjectError(f"{SOURCE} is not what the demo expects", code="demo-broken", hint=KEPT_HINT)
        began = self.box.clock.monotonic()
        self.box.files.write_atomic(
            self.root / SOURCE, text, within=self.root, owner=self.box.files.owner(self.root)
        )
        self.wait(expected)
        return self.box.clock.monotonic() - began

    def wait(self, expected: str) -> None:
        last = ""

        def seen() -> bool:
            nonlocal last
            answer = self.box.prober.fetch(self.url, timeout=1.0)
            last = answer.body.decode(errors="replace") if answer is not None else last
            return expected in last

        self._until(
            seen, SEEN, lambda: f"{expected!r} was not served within {SEEN:g} s, but {last.strip()!r}"
        )

    def _until(self, good: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
        deadline = self.box.clock.monotonic() + seconds
        while not good():
            if self.box.clock.monotonic() > deadline:
                raise ProjectError(what(), code="never-served", hint=KEPT_HINT)
            self.box.clock.sleep(POLL)

    def container(self) -> str:
        running = self.box.engine.containers(self.root.name).of("app")
        return running.id if running is not None else ""

    def go_get(self, container: str) -> None:
        """Like `devctl exec app -- go get`: no Go on the host, and the files belong to the folder's owner."""
        done = self.box.processes.run(
            docker("exec", to=[container, "go", "get", f"{MODULE}@{VERSION}"]),
            on_line=lambda line: self.box.reporter.emit(LogLine("app", "build", line)),
            timeout=GET_WITHIN,
        )
        if done.code:
            raise ProjectError(
                f"go get {MODULE} failed in the container",
                code="module-not-had",
                hint="does docker exec reach the Go proxy? `go env GOPROXY` shows which one",
                detail=done.output.strip(),
            )

    def must_be_ours(self, path: Path) -> None:
        if self.box.files.owner(path) != self.box.files.owner(self.root):
            raise ProjectError(
                f"{path.name} was written by another user than the folder's owner",
                code="wrong-owner",
                hint=KEPT_HINT,
            )

    def await_event(self, name: str) -> dict[str, Any]:
        """What the background watcher reports about the new dependency; its failure is the demo's failure."""
        found: dict[str, Any] = {}

        def told() -> bool:
            text = self.box.state.text(self.root, EVENTS) or ""
            for event in filter(None, map(recorded_event, text.splitlines())):
                if event.get("name") == "deps.failed":
                    raise ProjectError(
                        str(event.get("message")),
                        code="deps-failed",
                        hint=KEPT_HINT,
                    )
                if event.get("name") == name:
                    found.update(event)
            return bool(found)

        self._until(told, REBUILT, lambda: f"no {name} within {REBUILT:g} s after go.mod changed")
        return found

    def remove_images(self) -> None:
        """Tags of this demo; the layers that the next one needs stay in the build cache."""
        tags = ("dev", *(f"prod-{base}" for base in RUNTIME_BASES))
        for ref in self.box.engine.images([f"{self.root.name}-app:{tag}" for tag in tags]):
            self.box.engine.remove_image(ref)
