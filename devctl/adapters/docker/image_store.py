"""The engine's image store: python-on-whales for tag, save and load; the CLI's JSON for inspection, and for pull."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from devctl.adapters.docker.differences import Differences
from devctl.adapters.docker.engine_errors import engine_error, must_answer
from devctl.adapters.docker.image_size import content_bytes
from devctl.adapters.system.border import MustStart, bordered
from devctl.domain.bases.references import archive_hint
from devctl.domain.command.argv import docker
from devctl.domain.ports.machine import Pulled, StoredImage
from devctl.domain.ports.toolbox import Processes
from devctl.errors import FilesError, MachineError

FIRST_WORD_WITHIN = 20.0
"""Seconds within which a registry must respond: the first line of a pull appears once the manifest has arrived."""
PULL_WITHIN = 1800.0
REMOVE_WITHIN = 600.0
CREATE_WITHIN = 600.0


@bordered(writes=("save",))
class WhalesImageStore:
    """`ImageStore`. Pulls use the plain CLI, since python-on-whales has no deadline (docs/decisions/0004)."""

    def __init__(self, processes: Processes, *, first_word_within: float = FIRST_WORD_WITHIN) -> None:
        self._processes = processes
        self._docker = MustStart(processes)
        self._differences = Differences(processes)
        self._first_word_within = first_word_within

    def find(self, ref: str) -> StoredImage | None:
        done = self._docker.run(docker("image", "inspect", to=[ref]))
        if done.code != 0:
            must_answer(self._docker)
            return None
        raw = json.loads(done.stdout)[0]
        labels = (raw.get("Config") or {}).get("Labels") or {}
        return StoredImage(ref, raw["Id"], labels, tuple(raw.get("RepoDigests") or ()))

    def named(self, repository: str) -> tuple[str, ...]:
        done = self._docker.run(docker("image", "ls", "--format", "json", to=[repository]))
        if done.code != 0:
            raise engine_error(self._docker, done)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return tuple(f"{row['Repository']}:{row['Tag']}" for row in rows if row["Tag"] != "<none>")

    def size(self, ref: str) -> int:
        return content_bytes(self._docker, self._differences, ref) or 0

    def pull(self, ref: str) -> Pulled:
        lines: list[str] = []
        spoken = threading.Event()

        def hear(stream: str, line: str) -> None:
            lines.append(line.encode(errors="surrogateescape").decode(errors="replace").rstrip())
            if stream == "stdout":
                spoken.set()

        began = time.monotonic()
        with self._processes.follow(docker("pull", to=[ref]), on_line=hear) as runs:
            while runs():
                waited = time.monotonic() - began
                if waited > (PULL_WITHIN if spoken.is_set() else self._first_word_within):
                    return Pulled("unreachable", f"no answer within {waited:.0f} s")
                time.sleep(0.05)
            code = runs.code
            waited = time.monotonic() - began
        text = "\n".join(lines[-5:]).strip()
        if code == 0:
            return Pulled("ok", text)
        # Docker exits with 1 whatever the reason; only its text tells the cases apart. That is not necessary here: asking a
        # registry for the next image too is worth avoiding only if the answer took long.
        slow = not spoken.is_set() and waited >= self._first_word_within / 2
        return Pulled("unreachable" if slow else "refused", text)

    def tag(self, source: str, ref: str) -> None:
        from python_on_whales import docker as whales

        whales.image.tag(source, ref)

    def save(self, refs: Sequence[str], file: Path) -> None:
        from python_on_whales import docker as whales
        from python_on_whales.exceptions import DockerException

        part = file.with_name(f".{file.name}.part")  # never half a file under its final name
        try:
            whales.image.save(list(refs), output=part)
            part.replace(file)
        except (DockerException, OSError) as error:
            part.unlink(missing_ok=True)
            raise MachineError(
                f"the images were not saved to {file}",
                code="save-failed",
                hint="check the path: its folder must exist and have free space",
                detail=str(getattr(error, "stderr", None) or error),
            ) from error

    def load(self, file: Path) -> tuple[str, ...]:
        from python_on_whales import docker as whales
        from python_on_whales.exceptions import DockerException

        try:
            return tuple(whales.image.load(file, quiet=True))
        except DockerException as error:
            must_answer(self._docker)
            raise FilesError(
                f"{file} is not an image archive that the engine can load, or it is damaged",
                code="load-failed",
                hint=archive_hint(file.name),
                place=str(file),
                detail=error.stderr or "",
            ) from error

    def create(self, ref: str, layer: Path, lines: Sequence[str], *, platform: str, comment: str) -> None:
        changes = [word for line in lines for word in ("--change", line)]
        argv = docker("import", "--platform", platform, "--message", comment, *changes, to=[str(layer), ref])
        done = self._docker.run(argv, timeout=CREATE_WITHIN)
        if done.code != 0:
            raise MachineError(
                f"the engine failed to build {ref}",
                code="engine-refused",
                hint="devctl doctor",
                detail=done.output.strip(),
            )

    def remove_unused(self, image_id: str) -> None:
        # By id and without force: the engine itself refuses while a name, a child or a container needs it.
        done = self._processes.run(
            docker("image", "inspect", "--format", "{{json .RepoTags}}", to=[image_id])
        )
        if done.code == 0 and not json.loads(done.stdout):
            self._processes.run(docker("image", "rm", to=[image_id]), timeout=REMOVE_WITHIN)
