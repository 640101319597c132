"""docker compose, run as a command: exact control of flags, environment and Ctrl-C (docs/decisions/0001)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from devctl.adapters.docker.differences import Differences, is_caused_by_devctl
from devctl.adapters.docker.recipe_folder import read_from_outside
from devctl.adapters.inputs import asked
from devctl.adapters.project_files.yaml_positions import TooMuch, positions, read_document, read_text
from devctl.adapters.system.border import MustStart, bordered
from devctl.adapters.system.left_over import work_mark
from devctl.adapters.system.regular_file import Unreadable, read_bytes
from devctl.domain.command.argv import docker
from devctl.domain.command.events import OF_NONE
from devctl.domain.command.requests import COMPOSE_TIMEOUT
from devctl.domain.compose.model_json import from_compose, to_compose
from devctl.domain.compose.plain_yaml import yaml_text
from devctl.domain.compose.refusals import refuse_providers
from devctl.domain.failures import explain
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.domain.project.compose_inputs import OF_THE_TOOLS
from devctl.domain.project.taken_from_variables import taken_out
from devctl.domain.regex import regex
from devctl.errors import FilesError, MachineError

if TYPE_CHECKING:
    from devctl.domain.dockerfile.recipe import Recipes
    from devctl.domain.project.compose_inputs import ComposeInputs
    from devctl.domain.project.compose_model import Model

_PLACE = regex(r"(?:parsing |validating )?(?P<file>/\S+?\.ya?ml)(?::| )")
_ALIAS = regex(rb"(?m)(?:^|[\s\[,{:-])\*[^\s*]")
CONFIG_WITHIN = 60.0
"""Seconds; it takes a tenth of one."""
_UNKNOWN = regex(r"(?P<at>[\w.-]*) ?additional properties '(?P<key>[^']+)' not allowed", re.IGNORECASE)
_LINE = regex(r"line (?P<line>\d+)")


BUILD_TIMEOUT = 3600.0
"""Seconds for a build: generous, since C code may compile for half an hour without output; Ctrl-C ends it at any time."""


@bordered()
class ComposeCli:
    """`Compose` through the plugin. `on_line` gets each line of build and up output, with its service when one is being built."""

    def __init__(self, processes: Processes, on_line: Callable[[str, str], None]) -> None:
        self._processes = MustStart(processes)
        self._on_line = on_line
        self._differences = Differences(processes)

    def config(
        self, root: Path, files: Sequence[Path], *, env_files: Sequence[Path] = (), profiles: bool = False
    ) -> dict[str, object]:
        _refuse_endless(root, (*files, *env_files))
        named = [word for path in files for word in ("-f", str(path))]
        named += [word for path in env_files if asked.exists(path) for word in ("--env-file", str(path))]
        return self._resolved(root, named, profiles=profiles, cwd=root)

    def render(
        self, inputs: ComposeInputs, *, profiles: bool, variables: Mapping[str, str]
    ) -> dict[str, object]:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="devctl-compose-") as folder:
            copies = {path: f"{folder}/{n}.env" for n, path in enumerate(inputs.beside)}
            for path, text in inputs.beside.items():
                if text is not None:
                    Path(copies[path]).write_text(text, encoding="utf-8")
            names = dict(zip(copies.values(), copies, strict=True))
            there = [copies[path] for path in inputs.env_files if inputs.beside[path] is not None]
            flags = [word for path in there or [os.devnull] for word in ("--env-file", path)]
            for n, (file, node) in enumerate(inputs.files):
                name = f"{folder}/{n}.yaml"
                Path(name).write_text(yaml_text(node, copies.__getitem__), encoding="utf-8")
                names[name] = str(file)
                flags += ["-f", name]
            return self._resolved(
                inputs.folder,
                flags,
                profiles=profiles,
                cwd=Path(inputs.folder.anchor),
                variables=variables,
                names=names,
            )

    def _resolved(
        self,
        root: Path,
        flags: Sequence[str],
        *,
        profiles: bool,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """`names`: the file names that people know."""
        flags = [*flags, *(["--profile", "*"] if profiles else [])]
        argv = docker("compose", "--project-directory", str(root), *flags, "config", "--format", "json")
        only = None if variables is None else OF_THE_TOOLS
        done = self._processes.run(argv, cwd=cwd, env=variables, only=only, timeout=CONFIG_WITHIN)
        done = replace(done, stdout=_known(done.stdout, names), stderr=_known(done.stderr, names))
        if done.code == 124:
            raise FilesError(
                f"docker compose did not finish reading the compose files within {CONFIG_WITHIN:g} s",
                code="broken-compose",
                hint="check the files that they name (env_file, include, extends): one of them may be a FIFO or endless",
            )
        if done.code != 0:
            if self._processes.run(docker("compose", "version")).code != 0:
                raise MachineError(
                    "docker compose is not available",
                    code="compose-missing",
                    hint="devctl doctor --fix",
                    detail=done.stderr.strip(),
                )
            raise _config_error(done, root)
        return from_compose(done.stdout)

    def build(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        recipes: Recipes,
        no_cache: bool = False,
    ) -> Finished:
        refuse_providers(model, place=lambda _: "compose.yaml")
        flags = ["--no-cache"] if no_cache else []
        env = self._differences.build_environment()
        if env.get("DOCKER_BUILDKIT") == "0":
            self._of(*services)("podman builds without BuildKit (DOCKER_BUILDKIT=0)")
        with read_from_outside(model, recipes) as given:
            return self._given(
                root, given, "build", *flags, services=services, env=env, timeout=BUILD_TIMEOUT
            )

    def up(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        no_deps: bool,
        timeout: float = COMPOSE_TIMEOUT,
    ) -> Finished:
        flags = ["-d", "--no-build", "--remove-orphans=false"]
        flags += ["--no-deps"] if no_deps else []
        return self._given(root, model, "up", *flags, services=services, timeout=timeout)

    def pull(
        self,
        root: Path,
        model: Model,
        services: Sequence[str],
        *,
        all_that_can: bool = False,
        timeout: float = COMPOSE_TIMEOUT,
    ) -> Finished:
        flags = ["--ignore-pull-failures"] if all_that_can else []
        return self._given(root, model, "pull", *flags, services=services, timeout=timeout)

    def stop(self, name: str, root: Path, *, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        return self._by_name(name, root, "stop", timeout=timeout)

    def restart(
        self, name: str, root: Path, services: Sequence[str], *, timeout: float = COMPOSE_TIMEOUT
    ) -> Finished:
        return self._by_name(name, root, "restart", services=services, timeout=timeout)

    def down(self, name: str, root: Path, *, volumes: bool, timeout: float = COMPOSE_TIMEOUT) -> Finished:
        flags = ["--remove-orphans", *(["--volumes"] if volumes else [])]
        return self._by_name(name, root, "down", *flags, timeout=timeout)

    def _by_name(
        self, name: str, root: Path, verb: str, *flags: str, services: Sequence[str] = (), timeout: float
    ) -> Finished:
        # Run outside the project: compose then goes by labels, and needs no file that may be broken or changed today.
        how = ["--project-name", name, "--progress", "plain"]
        argv = docker("compose", *how, verb, *flags, to=services)
        return self._processes.run(
            argv, cwd=Path(root.anchor), env=work_mark(root), on_line=self._of(), timeout=timeout
        )

    def _given(
        self,
        root: Path,
        model: Model,
        verb: str,
        *flags: str,
        services: Sequence[str],
        timeout: float,
        env: Mapping[str, str] = {},
    ) -> Finished:
        """Pass the model on stdin: containers with the source mounted can change a file before compose reads it. For the same
        reason `.env` is not read again; the model already contains its values, and exactly the services of the chosen
        profiles."""
        refuse_providers(model, place=lambda _: "compose.yaml")
        how = ["--progress", "plain", "--project-directory", str(root)]
        how += ["--env-file", os.devnull, "--profile", "*", "-f", "-"]
        argv = docker("compose", *how, verb, *flags, to=services)
        given, variables = taken_out(model)
        text = to_compose(given).encode()
        return self._processes.run(
            argv,
            cwd=Path(root.anchor),
            env={**variables, **env, **work_mark(root)},
            stdin=text,
            on_line=self._of(*(services if verb == "build" else ())),
            timeout=timeout,
        )

    def _of(self, *services: str) -> Callable[[str], None]:
        hand_on = partial(self._on_line, services[0] if len(services) == 1 else OF_NONE)
        return lambda line: None if is_caused_by_devctl(line) else hand_on(line)


def _known(text: str, names: Mapping[str, str] | None) -> str:
    for copy, path in (names or {}).items():
        text = text.replace(copy, path)
    return text


def _yaml_place(root: Path) -> str | None:
    """If a compose file is not YAML: some messages of compose name no file, and count lines from a snippet."""
    for stem in ("compose.override", "compose", "docker-compose.override", "docker-compose"):
        for path in (root / f"{stem}.yaml", root / f"{stem}.yml"):
            try:
                if asked.is_file(path):
                    read_document(read_text(path), path=path.name, code="broken-compose")
            except FilesError as error:
                return error.problem.place
            except (OSError, UnicodeDecodeError):
                continue
    return None


def _refuse_endless(root: Path, files: Sequence[Path]) -> None:
    """Compose reads its input to the end (a FIFO for ever) and expands every alias: 443 bytes can take 9 GB."""
    for path in (*files, root / ".env"):
        name = _named(root, path)
        try:
            data = read_bytes(path)
            if path.name != ".env" and _ALIAS.search(data):
                read_document(data.decode(errors="replace"), path=name, code="broken-compose")
        except Unreadable as error:
            raise FilesError(
                f"{name} cannot be read: {error.strerror}",
                code="unreadable-file",
                hint=f"make {name} a regular file",
                place=name,
            ) from None
        except TooMuch:
            raise
        except (OSError, FilesError):
            continue  # compose's own message is better


def _named(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _place(said: str, root: Path) -> str | None:
    """As far as compose names it; for an unknown key it names the file but no line."""
    where, key, told = _PLACE.search(said), _UNKNOWN.search(said), _LINE.search(said)
    if where is None:
        return _yaml_place(root)
    path, line = Path(where["file"]), told["line"] if told else None
    if key is not None:
        line = positions(path)((*(word for word in key["at"].split(".") if word), key["key"])) or line
    return f"{_named(root, path)}:{line}" if line else _named(root, path)


def _config_error(done: Finished, root: Path) -> Exception:
    text = done.stderr.strip()
    last = text.splitlines()[-1] if text else "docker compose config failed"
    known, place = explain("config", text), _place(last, root)
    if known is None:
        return FilesError(
            f"docker compose rejects the compose file: {last}",
            code="broken-compose",
            hint="fix what it names; `docker compose config` shows the same error",
            place=place,
        )
    inside = {key: getattr(known, key).replace(f"{root}/", "") for key in ("message", "hint")}
    place = place or (known.place or "").replace(f"{root}/", "") or None
    return replace(known, **inside).error(detail="", place=place)
