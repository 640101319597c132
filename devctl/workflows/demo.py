"""demo: the product in a minute, on a real service in a temporary folder, which is gone afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devctl.domain.events import LogLine, Outcome
from devctl.domain.ports import Toolbox
from devctl.domain.requests import (
    DemoRequest,
    DownRequest,
    NewRequest,
    PreviewRequest,
    SizeRequest,
    UpRequest,
)
from devctl.errors import MachineError, ProjectError
from devctl.workflows import lifecycle, preview, scaffold
from devctl.workflows.load import load
from devctl.workflows.walk import Walk, dry, text_of
from devctl.workflows.watcher_process import EVENTS

CAUSES = {
    "new": "a small Go service in a temporary folder",
    "up": "the dev stage: source mounted, hot reload, go.mod watched",
    "edit": "a changed greeting, saved",
    "gomod": "a new dependency: go get in the container, and code that uses it",
    "preview": "the same service as in production",
    "size": "the production image on alpine, distroless and scratch",
    "back": "from production to dev again",
    "down": "everything is ended and removed",
}
SOURCE = "internal/web/web.go"
GREETING = 'const greeting = "Hello from Go"'
EDITED = "Hello from devctl"
MODULE = "github.com/google/uuid"
VERSION = "v1.6.0"
# What the dependency answers: Python can tell it too, so a good answer proves that its code has run.
ANSWER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "devctl"))
SEEN = 30.0
"""Seconds within which an edit must be served."""
REBUILT = 180.0
"""Seconds for a new deps layer, download included."""
POLL = 0.01


@dataclass(slots=True)
class _Demo:
    """The project of one demo, and what its steps measured for the text at the end."""

    box: Toolbox
    walk: Walk
    root: Path
    url: str = ""
    sizes: str = ""

    # ---------------------------------------------------------------- the steps, in order; each returns its detail
    def new(self) -> str:
        made = scaffold.new(NewRequest(directory=self.root), self.box).result
        return f"{len(_list(made['files']))} files in {self.root}"

    def up(self) -> str:
        port = self._free_port()
        self.box.files.write_atomic(
            self.root / ".env", f"HOST_PORT={port}\n", owner=self.box.files.owner(self.root)
        )
        self._up()
        self._wait("Hello from Go")
        ms = self.walk.served(self.url)
        return f"{self.url} answers; {ms / 1000:.1f} s from nothing"

    def edit(self) -> str:
        before = self._container()
        took = self._save(self._source().replace(GREETING, f'const greeting = "{EDITED}"'), EDITED)
        if self._container() != before:
            raise ProjectError(
                "an edit of the source made a new container",
                code="container-changed",
                hint="devctl demo --keep",
            )
        return f"saved → served in {took:.2f} s, same container"

    def gomod(self) -> str:
        before = self._container()
        began = self.box.clock.monotonic()
        self._go_get(before)
        for name in ("go.mod", "go.sum"):
            self._must_be_ours(self.root / name)
        self._save(_using(self._source()), ANSWER)
        rebuilt = self._await_event("deps.rebuilt")
        if self._container() == before:
            raise ProjectError(
                "go.mod changed and the container is still the old one",
                code="deps-not-rebuilt",
                hint="devctl demo --keep, then devctl logs --json",
            )
        self._wait(ANSWER)
        took = self.box.clock.monotonic() - began
        changed = self._await_event("deps.changed").get("changes") or [{}]
        layer = f"new deps layer and container {rebuilt['ms'] / 1000:.1f} s"
        return f"{changed[0].get('text', MODULE)}: {layer}, from go get to served {took:.1f} s"

    def preview(self) -> str:
        request = PreviewRequest(project=self.root, base="distroless", yes=True)
        result = preview.prod_preview(request, self.box).result
        self._wait(ANSWER)
        hard, image = _dict(result["hardening"]), _dict(result["image"])
        wrong = [
            what
            for what, good in (
                ("its user is not 65532", str(hard["user"]).split(":")[0] == "65532"),
                ("its file system can be written", hard["read_only"] is True),
                ("the source is mounted", hard["source_mounted"] is False),
                ("its base is not distroless", image["base"] == "distroless"),
                ("production does not run", result["mode"] == "prod"),
            )
            if not good
        ]
        if wrong:
            raise ProjectError(
                f"the preview is not as production: {', '.join(wrong)}",
                code="preview-not-hardened",
                hint="devctl demo --keep, then devctl prod-preview",
            )
        how = "uid 65532, read-only, no source, distroless"
        times = f"switch {_seconds(result['switch_ms'])}, gap {_seconds(result['gap_ms'])}"
        return f"{how} {_megabytes(image['size_bytes'])}; {times}"

    def size(self) -> str:
        from devctl.workflows.size import size

        outcome = size(SizeRequest(project=self.root, yes=True), self.box)
        self.sizes = outcome.text
        rows = {row["base"]: row for row in map(_dict, _list(outcome.result["rows"]))}
        table = " > ".join(f"{base} {_megabytes(row['size_bytes'])}" for base, row in rows.items())
        sizes = [int(rows[base]["size_bytes"]) for base in ("alpine", "distroless", "scratch")]
        if not sizes[0] > sizes[1] > sizes[2]:
            raise ProjectError(
                f"the sizes are not in order: {table}", code="sizes-out-of-order", hint="devctl size"
            )
        return table + (" (assembled bases)" if any(row["assembled"] for row in rows.values()) else "")

    def back(self) -> str:
        state = self._up()
        self._wait(ANSWER)
        return f"mode {state['mode']}, the last edit is served"

    def down(self) -> str:
        """Ends what runs, even where a step broke; the folder goes in any case."""
        try:
            request = DownRequest(project=self.root, volumes=True, yes=True)
            removed = _list(lifecycle.down(request, self.box).result["removed"])
            self._remove_images()
            left = self.box.engine.observe(self.root.name)
        finally:
            gone = self.box.files.remove_folder(self.root)
        if left.containers or left.volumes or left.networks or not gone:
            raise MachineError(
                f"something is left of {self.root}",
                code="not-removed",
                hint=f"docker ps -a --filter label=com.docker.compose.project={self.root.name}; rm -r {self.root}",
            )
        return f"{len(removed)} things removed, and the folder"

    # ---------------------------------------------------------------- what the steps are made of
    def _up(self) -> dict[str, object]:
        state = lifecycle.up(UpRequest(project=self.root, detach=True, yes=True), self.box).result
        self.url = next(str(_dict(s)["url"]) for s in _list(state["services"]) if _dict(s)["url"])
        return state

    def _free_port(self) -> int:
        used = self.box.engine.ports_in_use()
        for port in range(8080, 8180):
            if port not in used and self.box.host.port_free("127.0.0.1", port):
                return port
        raise MachineError(
            "no free port from 8080 to 8179", code="port-taken", hint="docker ps shows who holds them"
        )

    def _source(self) -> str:
        return self.box.files.read_text(self.root / SOURCE) or ""

    def _save(self, text: str, expected: str) -> float:
        """Save as an editor does; the seconds until it is served."""
        if text == self._source():
            raise ProjectError(
                f"{SOURCE} is not as the demo knows it", code="demo-broken", hint="devctl new DIR"
            )
        began = self.box.clock.monotonic()
        self.box.files.write_atomic(self.root / SOURCE, text, owner=self.box.files.owner(self.root))
        self._wait(expected)
        return self.box.clock.monotonic() - began

    def _wait(self, expected: str) -> None:
        last = ""

        def seen() -> bool:
            nonlocal last
            last = self.box.prober.body(self.url, timeout=1.0) or last
            return expected in last

        self._until(
            seen, SEEN, lambda: f"{expected!r} was not served within {SEEN:g} s, but {last.strip()!r}"
        )

    def _until(self, good: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
        deadline = self.box.clock.monotonic() + seconds
        while not good():
            if self.box.clock.monotonic() > deadline:
                raise ProjectError(what(), code="never-served", hint="devctl demo --keep, then devctl logs")
            self.box.clock.sleep(POLL)

    def _container(self) -> str:
        project = load(self.box, self.root)
        running = self.box.engine.containers(project.name).of(project.services[0].name)
        return running.id if running is not None else ""

    def _go_get(self, container: str) -> None:
        """As `devctl exec app -- go get` does it: no Go on the host, and the files belong to the folder's owner."""
        done = self.box.processes.run(
            ["docker", "exec", container, "go", "get", f"{MODULE}@{VERSION}"],
            on_line=lambda line: self.box.reporter.emit(LogLine("app", "build", line)),
        )
        if done.code:
            raise ProjectError(
                f"go get {MODULE} failed in the container",
                code="module-not-had",
                hint="docker exec reaches the Go proxy? `go env GOPROXY` says which",
                detail=done.output.strip(),
            )

    def _must_be_ours(self, path: Path) -> None:
        if self.box.files.owner(path) != self.box.files.owner(self.root):
            raise ProjectError(
                f"{path.name} was written by another user than the folder's owner",
                code="wrong-owner",
                hint="devctl demo --keep, then ls -l",
            )

    def _await_event(self, name: str) -> dict[str, Any]:
        """What the background watcher tells of the new dependency; its failure is ours."""
        found: dict[str, Any] = {}

        def told() -> bool:
            for event in self._events():
                if event.get("name") == "deps.failed":
                    raise ProjectError(
                        str(event.get("message")),
                        code="deps-failed",
                        hint="devctl demo --keep, then devctl up",
                    )
                if event.get("name") == name:
                    found.update(event)
            return bool(found)

        self._until(told, REBUILT, lambda: f"no {name} within {REBUILT:g} s after go.mod changed")
        return found

    def _events(self) -> list[dict[str, Any]]:
        text = self.box.files.read_text(self.root / ".devctl" / EVENTS) or ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("}\n")]

    def _remove_images(self) -> None:
        """Tags of this demo; the layers that the next one needs stay in the build cache."""
        tags = ("dev", "prod-alpine", "prod-distroless", "prod-scratch")
        for ref in self.box.engine.images([f"{self.root.name}-app:{tag}" for tag in tags]):
            self.box.engine.remove_image(ref)


def demo(request: DemoRequest, box: Toolbox) -> Outcome:
    """Every step is timed; after a failure the rest is skipped, and all is removed in any case."""
    if request.dry_run:
        return dry(CAUSES)
    walk = Walk(box, CAUSES, after_interruption="devctl demo starts anew; nothing of this one is left")
    show = _Demo(box, walk, box.files.temporary_folder("devctl-demo-"))
    works = (show.new, show.up, show.edit, show.gomod, show.preview, show.size, show.back)
    for work in works:
        walk.run(work.__name__, work)
    if request.keep:
        walk.skip("down", f"kept; devctl -C {show.root} down --volumes ends it")
    else:
        walk.run("down", show.down, always=True)
    total = f"{walk.since(walk.began) / 1000:.1f} s in all"
    return walk.outcome(text_of([walk.table(), show.sizes, total]))


def _using(source: str) -> str:
    """The service with the dependency in its answer."""
    imported = source.replace('\t"net/http"\n)', f'\t"net/http"\n\n\t"{MODULE}"\n)')
    call = f'"{EDITED}, " + uuid.NewSHA1(uuid.NameSpaceDNS, []byte("devctl")).String()'
    return imported.replace(f'const greeting = "{EDITED}"', f"var greeting = {call}")


def _dict(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def _list(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value


def _seconds(ms: object) -> str:
    return f"{float(str(ms)) / 1000:.2f} s"


def _megabytes(size: object) -> str:
    return f"{float(str(size)) / 1_000_000:.2f} MB"
