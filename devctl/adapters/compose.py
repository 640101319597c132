"""docker compose, called by argv: exact control of flags, environment and Ctrl-C (docs/decisions/0001)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from devctl.adapters.yaml_positions import read_document
from devctl.domain.failures import explain
from devctl.domain.ports import Finished, Processes
from devctl.errors import FilesError, MachineError

_PLACE = re.compile(r"(?:parsing |validating )?(?P<file>/\S+?\.ya?ml)(?::| )")
_LINE = re.compile(r"line (?P<line>\d+)")


class ComposeCli:
    """`Compose` by the plugin. `on_line` gets each line of build and up output."""

    def __init__(self, processes: Processes, on_line: Callable[[str], None]) -> None:
        self._processes = processes
        self._on_line = on_line

    def config(self, root: Path, files: Sequence[Path] = (), *, profiles: bool = False) -> dict[str, object]:
        named = [word for path in files for word in ("-f", str(path))]
        named += ["--profile", "*"] if profiles else []
        argv = ["docker", "compose", "--project-directory", str(root), *named, "config", "--format", "json"]
        done = self._processes.run(argv, cwd=root)
        if done.code != 0:
            raise _config_error(done, root)
        return cast("dict[str, object]", json.loads(done.stdout))

    def build(
        self, file: Path, services: Sequence[str], *, no_cache: bool = False, progress: bool = True
    ) -> Finished:
        flags = ["--no-cache"] if no_cache else []
        return self._call(file, "build", *flags, *services)

    def up(self, file: Path, services: Sequence[str], *, no_deps: bool, recreate: bool = False) -> Finished:
        flags = ["-d", "--no-build", "--remove-orphans=false"]
        flags += ["--no-deps"] if no_deps else []
        flags += ["--force-recreate"] if recreate else []
        return self._call(file, "up", *flags, *services)

    def stop(self, file: Path, services: Sequence[str]) -> Finished:
        return self._call(file, "stop", *services)

    def restart(self, file: Path, services: Sequence[str]) -> Finished:
        return self._call(file, "restart", *services)

    def down(self, name: str, root: Path, *, volumes: bool) -> Finished:
        flags = ["--volumes"] if volumes else []
        argv = [
            "docker",
            "compose",
            "--project-name",
            name,
            "--progress",
            "plain",
            "down",
            "--remove-orphans",
        ]
        # Run outside the project: `down` then goes by labels and needs no file that may be broken today.
        return self._processes.run([*argv, *flags], cwd=Path(root.anchor), on_line=self._on_line)

    def _call(self, file: Path, verb: str, *rest: str) -> Finished:
        root = file.parent.parent
        argv = ["docker", "compose", "--progress", "plain", "--project-directory", str(root), "-f", str(file)]
        return self._processes.run([*argv, verb, *rest], cwd=root, on_line=self._on_line)


def _yaml_place(root: Path) -> str | None:
    """Where a compose file is no YAML: some messages of compose name no file, and count lines from a snippet."""
    for stem in ("compose.override", "compose", "docker-compose.override", "docker-compose"):
        for path in (root / f"{stem}.yaml", root / f"{stem}.yml"):
            try:
                if path.is_file():
                    read_document(path.read_text(encoding="utf-8"), path=path.name, code="broken-compose")
            except FilesError as error:
                return error.problem.place
    return None


def _inside(text: str, root: Path) -> str:
    return text.replace(f"{root}/", "")


def _config_error(done: Finished, root: Path) -> Exception:
    text = done.stderr.strip()
    last = text.splitlines()[-1] if text else "docker compose config failed"
    if (
        done.code == 127
        or "is not a docker command" in text
        or "unknown command" in text
        or "unknown flag" in text
    ):
        return MachineError(
            "docker compose is not available", code="compose-missing", hint="devctl doctor --fix", detail=text
        )
    where = _PLACE.search(last)
    line = _LINE.search(last)
    place = None
    if where is not None:
        path = Path(where["file"])
        place = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        place += f":{line['line']}" if line else ""
    known = explain("config", text)
    if known is not None:
        problem = replace(
            known,
            message=_inside(known.message, root),
            hint=_inside(known.hint, root),
            place=_inside(known.place, root) if known.place else None,
        )
        return problem.error(detail="", place=place or _yaml_place(root))
    place = place or _yaml_place(root)
    return FilesError(
        f"docker compose refuses the compose file: {last}",
        code="broken-compose",
        hint="mend that line; `docker compose config` shows the same error",
        place=place,
    )
