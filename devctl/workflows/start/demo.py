"""demo: the product in a minute, on a real service in a temporary folder, which is removed afterwards."""

from __future__ import annotations

import uuid
from typing import Any, cast

from msgspec import Struct

from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import (
    DemoRequest,
    DownRequest,
    NewRequest,
    PreviewRequest,
    SizeRequest,
)
from devctl.domain.dockerfile.runtime_bases import BY_SIZE, DEFAULT_BASE, NONROOT, enumerated
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import MachineError, ProjectError
from devctl.workflows.dev import lifecycle
from devctl.workflows.preview import preview
from devctl.workflows.size.size import size
from devctl.workflows.start import scaffold
from devctl.workflows.start.demo_service import KEPT_HINT, MODULE, DemoService
from devctl.workflows.start.step_list import Walk, dry, text_of

CAUSES = {
    "new": "a small Go service in a temporary folder",
    "up": "the dev stage: source mounted, hot reload, go.mod watched",
    "edit": "a changed greeting, saved",
    "gomod": "a new dependency: go get in the container, and code that uses it",
    "preview": "the same service as in production",
    "size": f"the production image on {enumerated(BY_SIZE)}",
    "back": "from production back to dev",
    "down": "stop and remove everything",
}
USER = NONROOT.partition(":")[0]
GREETING = 'const greeting = "Hello from Go"'
EDITED = "Hello from devctl"
# The dependency's answer: Python can compute it too, so a correct answer proves that its code has run.
ANSWER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "devctl"))


class _Demo(Struct):
    """The project of one demo, and what its steps measured for the text at the end."""

    box: Toolbox
    walk: Walk
    service: DemoService
    sizes: str = ""

    # The steps, in order; each returns its detail.
    def new(self) -> str:
        made: Any = scaffold.new(NewRequest(directory=self.service.root), self.box).result
        return f"{len(made['files'])} files in {self.service.root}"

    def up(self) -> str:
        self.service.up_on_a_free_port()
        self.service.wait("Hello from Go")
        ms = self.walk.served(self.service.url)
        return f"{self.service.url} answers; {ms / 1000:.1f} s from nothing"

    def edit(self) -> str:
        before = self.service.container()
        took = self.service.save(
            self.service.source().replace(GREETING, f'const greeting = "{EDITED}"'), EDITED
        )
        if self.service.container() != before:
            raise ProjectError(
                "an edit of the source created a new container",
                code="container-changed",
                hint=KEPT_HINT,
            )
        return f"saved → served in {took:.2f} s, same container"

    def gomod(self) -> str:
        before = self.service.container()
        began = self.box.clock.monotonic()
        self.service.go_get(before)
        for name in ("go.mod", "go.sum"):
            self.service.must_be_ours(self.service.root / name)
        self.service.save(_using(self.service.source()), ANSWER)
        rebuilt = self.service.await_event("deps.rebuilt")
        if self.service.container() == before:
            raise ProjectError(
                "go.mod changed, but the container is still the old one",
                code="deps-not-rebuilt",
                hint=KEPT_HINT,
            )
        self.service.wait(ANSWER)
        took = self.box.clock.monotonic() - began
        changed = self.service.await_event("deps.changed").get("changes") or [{}]
        layer = f"new deps layer and container {rebuilt['ms'] / 1000:.1f} s"
        return f"{changed[0].get('text', MODULE)}: {layer}, from go get to served {took:.1f} s"

    def preview(self) -> str:
        request = PreviewRequest(project=self.service.root, base=DEFAULT_BASE, yes=True)
        result: Any = preview.prod_preview(request, self.box).result
        self.service.wait(ANSWER)
        hard, image = result["hardening"], result["image"]
        wrong = [
            what
            for what, good in (
                (f"its user is not {USER}", hard["user"].split(":")[0] == USER),
                ("its file system can be written", hard["read_only"] is True),
                ("the source is mounted", hard["source_mounted"] is False),
                (f"its base is not {DEFAULT_BASE}", image["base"] == DEFAULT_BASE),
                ("production is not running", result["mode"] == "prod"),
            )
            if not good
        ]
        if wrong:
            raise ProjectError(
                f"the preview differs from production: {', '.join(wrong)}",
                code="preview-not-hardened",
                hint=KEPT_HINT,
            )
        how = f"uid {USER}, read-only, no source, {DEFAULT_BASE}"
        times = f"switch {_seconds(result['switch_ms'])}, gap {_seconds(result['gap_ms'])}"
        return f"{how} {_megabytes(image['size_bytes'])}; {times}"

    def size(self) -> str:
        outcome = size(SizeRequest(project=self.service.root, yes=True), self.box)
        self.sizes, result = outcome.text, cast("Any", outcome.result)
        rows = {row["base"]: row for row in result["rows"]}
        table = " > ".join(f"{base} {_megabytes(row['size_bytes'])}" for base, row in rows.items())
        sizes = [rows[base]["size_bytes"] for base in BY_SIZE]
        if sizes != sorted(set(sizes), reverse=True):
            raise ProjectError(
                f"the sizes are not in the expected order: {table}",
                code="sizes-out-of-order",
                hint="devctl size",
            )
        return table + (" (assembled bases)" if any(row["assembled"] for row in rows.values()) else "")

    def back(self) -> str:
        state = self.service.up()
        self.service.wait(ANSWER)
        return f"mode {state.mode}, the last edit is served"

    def down(self) -> str:
        """Stops what runs, even if a step broke; the folder is removed in any case."""
        try:
            request = DownRequest(project=self.service.root, volumes=True, yes=True)
            result: Any = lifecycle.down(request, self.box).result
            self.service.remove_images()
            left = self.box.engine.observe(self.service.root.name)
        finally:
            gone = self.box.files.remove_folder(self.service.root)
            self.box.identity.forget_folder(self.service.root)
        if left.containers or left.volumes or left.networks or not gone:
            raise MachineError(
                f"{self.service.root} was not removed completely",
                code="not-removed",
                hint=f"docker ps -a --filter label=com.docker.compose.project={self.service.root.name}; rm -r {self.service.root}",
            )
        return f"{len(result['removed'])} things removed, and the folder"


def demo(request: DemoRequest, box: Toolbox) -> Outcome:
    """Every step is timed; after a failure the rest is skipped, and everything is removed in any case."""
    if request.dry_run:
        return dry(CAUSES)
    walk = Walk(box, CAUSES, after_interruption="devctl demo starts over")
    show = _Demo(box, walk, DemoService(box, box.files.temporary_folder("devctl-demo-")))
    box.identity.note_folder(show.service.root)
    works = (show.new, show.up, show.edit, show.gomod, show.preview, show.size, show.back)
    try:
        for work in works:
            walk.run(work.__name__, work)
    except KeyboardInterrupt:
        walk.interrupted()
    if request.keep:
        box.identity.forget_folder(show.service.root)
        walk.skip("down", f"still running; devctl -C {show.service.root} down --volumes removes it")
    else:
        walk.run("down", show.down, always=True)
    total = f"{walk.since(walk.began) / 1000:.1f} s in total"
    return walk.outcome(text_of([walk.table(), show.sizes, total]))


def _using(source: str) -> str:
    """The service with the dependency in its answer."""
    imported = source.replace('\t"net/http"\n)', f'\t"net/http"\n\n\t"{MODULE}"\n)')
    call = f'"{EDITED}, " + uuid.NewSHA1(uuid.NameSpaceDNS, []byte("devctl")).String()'
    return imported.replace(f'const greeting = "{EDITED}"', f"var greeting = {call}")


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} s"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.2f} MB"
