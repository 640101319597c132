"""The engine's image store: python-on-whales for tag, save and load; the CLI's JSON for a look, and for pull."""

from __future__ import annotations

import json
import tarfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from devctl.adapters import image_archive
from devctl.domain.ports import Processes
from devctl.domain.ports_machine import Pulled, StoredImage
from devctl.errors import FilesError, MachineError

FIRST_WORD_WITHIN = 20.0
"""Seconds until a registry must have said something: the first line of a pull comes once the manifest is there."""
PULL_WITHIN = 1800.0

_REFUSED = (
    "manifest unknown",
    "not found",
    "denied",
    "unauthorized",
    "no matching manifest",
    "does not exist",
)


class WhalesImageStore:
    """`ImageStore`. Pull goes by the plain CLI, since python-on-whales knows no deadline (docs/decisions/0004)."""

    def __init__(self, processes: Processes, *, first_word_within: float = FIRST_WORD_WITHIN) -> None:
        self._processes = processes
        self._first_word_within = first_word_within

    def find(self, ref: str) -> StoredImage | None:
        done = self._processes.run(["docker", "image", "inspect", ref])
        if done.code != 0:
            return None
        raw = json.loads(done.stdout)[0]
        labels = (raw.get("Config") or {}).get("Labels") or {}
        return StoredImage(ref, raw["Id"], labels, tuple(raw.get("RepoDigests") or ()))

    def named(self, repository: str) -> tuple[str, ...]:
        done = self._processes.run(["docker", "image", "ls", "--format", "json", repository])
        rows = [json.loads(line) for line in done.stdout.splitlines()] if done.code == 0 else []
        return tuple(f"{row['Repository']}:{row['Tag']}" for row in rows if row["Tag"] != "<none>")

    def size(self, ref: str) -> int:
        argv = ["docker", "history", "--no-trunc", "--human=false", "--format", "{{.Size}}", ref]
        return sum(int(line) for line in self._processes.run(argv).stdout.split() if line.isdecimal())

    def pull(self, ref: str) -> Pulled:
        lines: list[str] = []
        spoken = threading.Event()

        def hear(stream: str, line: str) -> None:
            lines.append(line)
            if stream == "stdout":
                spoken.set()

        began = time.monotonic()
        with self._processes.follow(["docker", "pull", ref], on_line=hear) as runs:
            while runs():
                waited = time.monotonic() - began
                if waited > (PULL_WITHIN if spoken.is_set() else self._first_word_within):
                    return Pulled("unreachable", f"no answer within {waited:.0f} s")
                time.sleep(0.05)
        text = "\n".join(lines[-5:]).strip()
        if self.find(ref) is not None and "Error" not in text and "error" not in text:
            return Pulled("ok", text)
        return Pulled("refused" if any(word in text for word in _REFUSED) else "unreachable", text)

    def tag(self, source: str, ref: str) -> None:
        from python_on_whales import docker

        docker.image.tag(source, ref)

    def save(self, refs: Sequence[str], file: Path) -> None:
        from python_on_whales import docker
        from python_on_whales.exceptions import DockerException

        part = file.with_name(f".{file.name}.part")  # never half a file under its own name
        try:
            docker.image.save(list(refs), output=part)
            image_archive.seal(part)
            part.replace(file)
        except (DockerException, OSError) as error:
            part.unlink(missing_ok=True)
            raise MachineError(
                f"the images were not saved to {file}",
                code="save-failed",
                hint="look at the place: its folder must exist and have room",
                detail=str(getattr(error, "stderr", None) or error),
            ) from error

    def load(self, file: Path) -> tuple[str, ...]:
        from python_on_whales import docker
        from python_on_whales.exceptions import DockerException

        if file.is_file() and tarfile.is_tarfile(file):
            image_archive.check(file)
        try:
            return tuple(docker.image.load(file, quiet=True))
        except DockerException as error:
            raise FilesError(
                f"{file} is no image archive that the engine can load",
                code="load-failed",
                hint="make one with: devctl bases save FILE",
                place=str(file),
            ) from error

    def remove_unused(self, image_id: str) -> None:
        # By id and without force: the engine itself refuses while a name, a child or a container needs it.
        done = self._processes.run(["docker", "image", "inspect", "--format", "{{json .RepoTags}}", image_id])
        if done.code == 0 and not json.loads(done.stdout):
            self._processes.run(["docker", "image", "rm", image_id])
