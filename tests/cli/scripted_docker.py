"""A docker that answers at once and from memory: what `docker compose config` makes of a file, an engine with little on it.

It is as strict as compose where a word of the file decides what devctl is given, and it can fail in the ways that docker does.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from devctl.domain.ports.toolbox import Finished

MOODS = ("answers", "runs", "missing", "gone", "refuses")
"""`runs`: a container of this project runs; `missing`: no docker; `gone`: no engine."""
GONE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
NATIVE_DIFF = [["Native Overlay Diff", "true"]]
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = tuple(name.replace("compose.", "compose.override.") for name in NAMES)
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<braced>\w+)(?P<op>:?[-?+])?(?P<word>[^}]*)\}|(?P<plain>\w+))")
_LARGEST = 1 << 20
_BUILD = frozenset("context dockerfile target args dockerfile_inline secrets ssh".split())
_DEFINED = ("networks", "secrets", "configs")


class Refused(Exception):
    """compose does not take the file."""


class Endless(Exception):
    """It reads a file to an end that never comes."""


class Ended(Struct, frozen=True):
    """`Running` of a process that has ended."""

    code: int

    def __call__(self) -> bool:
        return False


class ScriptedDocker:
    """`Processes`. Nothing is ever started."""

    def __init__(self, mood: str, *, present: bool, env: Mapping[str, str]) -> None:
        self.mood, self.present, self.env = mood, present, env

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        **how: object,
    ) -> Finished:
        if argv[0] != "docker" or self.mood == "missing":
            return Finished(127, "", f"{argv[0]}: program not found", started=False)
        words = [word for word in argv[1:] if word != "--"]
        if "config" in words and words[0] == "compose":
            return self._config(words)
        if self.mood == "gone":
            return Finished(1, "", GONE)
        if self.mood == "refuses":
            return Finished(1, "", "Error response from daemon: something else is wrong")
        return self._engine(words)

    def attach(
        self,
        argv: Sequence[str],
        *,
        stop: Sequence[str],
        on_line: Callable[[str, str], None] | None = None,
    ) -> int:
        return self.run(argv).code

    @contextlib.contextmanager
    def follow(
        self, argv: Sequence[str], *, on_line: Callable[[str, str], None], together: bool = False
    ) -> Iterator[Callable[[], bool]]:
        yield Ended(1)

    def spawn(self, argv: Sequence[str], *, cwd: Path, out: Path, err: Path) -> int:
        raise AssertionError(f"a command that only looks starts {argv}")

    def ended(self, pid: int) -> bool:
        raise AssertionError("a command that only looks starts nothing")

    def terminate(self, pid: int) -> None:
        raise AssertionError("a command that only looks ends a process")

    @contextlib.contextmanager
    def one_interrupt(self) -> Iterator[Callable[[], None]]:
        yield lambda: None

    def _engine(self, words: Sequence[str]) -> Finished:
        match words:
            case ["image", "inspect", *rest]:
                return self._images(rest)
            case ["version" | "--version", *_]:
                return Finished(0, json.dumps({"Version": "28.2.0", "Components": []}) + "\n", "")
            case ["info", *_]:
                return Finished(
                    0, json.dumps({"ID": "x", "MemTotal": 1 << 33, "DriverStatus": NATIVE_DIFF}) + "\n", ""
                )
            case ["compose", "version", *_]:
                return Finished(0, "2.40.3\n", "")
            case ["ps", *rest] if self.mood == "runs" and "--quiet" in rest:
                return Finished(0, f"{'c' * 64}\n", "")
            case ["inspect", *_] if self.mood == "runs":
                return Finished(0, json.dumps([_container()]), "")
        return Finished(0, "", "")

    def _images(self, words: Sequence[str]) -> Finished:
        if not self.present:
            return Finished(1, "", f"Error response from daemon: No such image: {words[-1]}")
        if "--format" not in words:
            return Finished(
                0, json.dumps([{"Id": "sha256:1", "Config": {"Labels": None}, "RepoDigests": None}]), ""
            )
        refs = words[2:]
        return Finished(0, "".join("sha256:1\t\tnull\n" for _ in refs), "")

    def _config(self, words: Sequence[str]) -> Finished:
        at = words.index("--project-directory")
        folder = Path(words[at + 1])
        named = [Path(words[i + 1]) for i, word in enumerate(words) if word == "-f"]
        try:
            return Finished(0, json.dumps(_resolved(folder, named, {**_dotenv(folder), **self.env})), "")
        except Endless:
            return Finished(124, "", "")
        except (Refused, OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
            return Finished(15, "", str(error) or type(error).__name__)


def _dotenv(folder: Path) -> dict[str, str]:
    file = folder / ".env"
    return _variables(file) if file.is_file() and file.stat().st_size < _LARGEST else {}


def _variables(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {name: value for name, sep, value in (line.partition("=") for line in lines) if sep}


def _of_files(folder: Path, names: Sequence[object]) -> dict[str, dict[str, str]]:
    paths = [folder / str(name) for name in names]
    if any(path.is_fifo() for path in paths):
        raise Endless
    found = {key: value for path in paths for key, value in _variables(path).items()}
    return {"environment": found} if found else {}


def _resolved(folder: Path, named: Sequence[Path], env: Mapping[str, str]) -> dict[str, Any]:
    usual = [
        next((folder / n for n in names if (folder / n).is_file()), None) for names in (NAMES, OVERRIDES)
    ]
    files = list(named) or [path for path in usual if path is not None]
    if not files:
        raise Refused("no configuration file provided: not found")
    model: dict[str, Any] = {"name": re.sub(r"[^a-z0-9_-]", "", folder.name.lower()) or "app", "services": {}}
    for file in files:
        if file.stat().st_size > _LARGEST:
            raise Refused("the file is too large")
        text = file.read_text(encoding="utf-8-sig")
        if text.count("[") > 500 or text.count("*") > 50:
            raise Refused("exceeded max depth")
        said = yaml.load(text, Loader=yaml.BaseLoader)
        if said is None:
            raise Refused("empty compose file")
        if not isinstance(said, dict):
            raise Refused("Top-level object must be a mapping")
        services = said.get("services") or {}
        if not isinstance(services, dict):
            raise Refused("services must be a mapping")
        if unknown := set(said) - {
            "services",
            "version",
            "name",
            "volumes",
            "networks",
            "secrets",
            "configs",
        }:
            raise Refused(f"validating {file}: additional properties '{min(map(str, unknown))}' not allowed")
        model |= {
            kind: _filled(said[kind], env, kind) for kind in _DEFINED if isinstance(said.get(kind), dict)
        }
        for name, spec in services.items():
            if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9._-]+", name):
                raise Refused(f"validating {file}: services Additional property {name} is not allowed")
            model["services"].setdefault(name, {}).update(_service(file, name, spec, folder, env))
    for name, made in model["services"].items():
        if "image" not in made and "build" not in made:
            raise Refused(
                f'service "{name}" has neither an image nor a build context specified: invalid compose project'
            )
    return model


def _service(file: Path, name: str, spec: object, folder: Path, env: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(spec, dict):
        raise Refused(f"validating {file}: services.{name} must be a mapping")
    words = {key: _filled(value, env, f"services.{name}.{key}") for key, value in spec.items()}
    made: dict[str, Any] = {"command": None, "entrypoint": None, "networks": {"default": None}}
    made |= _of_files(folder, _list(file, name, "env_file", words.pop("env_file", [])))
    for key, value in words.items():
        match key:
            case "build":
                made["build"] = _build(file, name, value, folder)
            case "image" | "working_dir" | "user" | "restart" | "container_name" if isinstance(value, str):
                made[key] = value
            case "command" | "entrypoint":
                made[key] = value if isinstance(value, list) else shlex.split(str(value or ""))
            case "environment":
                pairs = (
                    [str(v).partition("=")[::2] for v in value]
                    if isinstance(value, list)
                    else list((value or {}).items())
                )
                made[key] = {str(k): None if v is None else str(v) for k, v in pairs}
            case "ports":
                made[key] = [_port(file, name, v) for v in _list(file, name, key, value)]
            case "volumes":
                made[key] = [_volume(file, name, v, folder) for v in _list(file, name, key, value)]
            case "depends_on":
                usual = {"condition": "service_started", "required": True}
                said = value if isinstance(value, dict) else dict.fromkeys(value or [])
                made[key] = {str(n): {**usual, **(v if isinstance(v, dict) else {})} for n, v in said.items()}
            case "profiles" | "cap_add" | "cap_drop":
                made[key] = [str(v) for v in _list(file, name, key, value)]
            case "healthcheck" | "deploy" | "labels" | "ulimits" if isinstance(value, dict):
                made[key] = value
            case _:
                made[key] = _other(file, name, key, value)
    return made


def _other(file: Path, name: str, key: str, value: object) -> object:
    """A key that changes nothing of what else is there."""
    match key:
        case "init" | "mem_limit" | "platform" if isinstance(value, str):
            return value == "true" if key == "init" else value
        case "tmpfs" | "extra_hosts":
            return [str(v) for v in _list(file, name, key, value)]
        case "configs":
            return [v if isinstance(v, dict) else {"source": v} for v in _list(file, name, key, value)]
        case "networks":
            return {str(n): None for n in _list(file, name, key, value)}
    raise Refused(f"validating {file}: services.{name} additional properties '{key}' not allowed")


def _list(file: Path, name: str, key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f"validating {file}: services.{name}.{key} must be a array")
    return value


def _filled(value: Any, env: Mapping[str, str], at: str) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, env, f"{at}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, env, f"{at}.[{n}]") for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$$"
        known = env.get(found["braced"] or found["plain"], "")
        if "?" in (found["op"] or "") and not known:
            raise Refused(
                f"error while interpolating {at}: required variable {found['braced']} is missing a value: {found['word']}"
            )
        return known or (found["word"] or "" if "-" in (found["op"] or "") else "")

    return _VARIABLE.sub(put, value)


def _build(file: Path, name: str, value: object, folder: Path) -> dict[str, Any]:
    spec = {"context": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else None
    if spec is None or set(spec) - _BUILD:
        raise Refused(f"validating {file}: services.{name}.build must be a string")
    context = str(spec.get("context") or ".")
    if "://" not in context:
        spec["context"] = posixpath.normpath(posixpath.join(folder.as_posix(), context))
    spec.setdefault("dockerfile", "Dockerfile")
    if not all(isinstance(spec.get(k, ""), str) for k in ("dockerfile", "target")):
        raise Refused(f"validating {file}: services.{name}.build.dockerfile must be a string")
    if not isinstance(spec.get("args", {}), dict):
        raise Refused(f"validating {file}: services.{name}.build.args must be a mapping")
    return spec


def _port(file: Path, name: str, value: object) -> dict[str, Any]:
    found = re.fullmatch(
        r"(?:(?P<ip>[\d.]+):)?(?:(?P<host>\d+(?:-\d+)?):)?(?P<target>\d+)(?:/(?P<kind>tcp|udp))?", str(value)
    )
    if found is None or not 0 < int(found["target"]) < 65536:
        raise Refused(f"validating {file}: services.{name}.ports invalid containerPort: {value}")
    made: dict[str, Any] = {
        "mode": "ingress",
        "target": int(found["target"]),
        "protocol": found["kind"] or "tcp",
    }
    made |= {"published": found["host"]} if found["host"] else {}
    return made | ({"host_ip": found["ip"]} if found["ip"] else {})


def _volume(file: Path, name: str, value: object, folder: Path) -> dict[str, Any]:
    source, colon, target = str(value).partition(":")
    if not colon:
        return {"type": "volume", "target": source}
    target = target.partition(":")[0]
    if not target.startswith("/"):
        raise Refused(f"validating {file}: services.{name}.volumes invalid mount path: {target}")
    if source.startswith((".", "/", "~")):
        return {
            "type": "bind",
            "source": posixpath.normpath(posixpath.join(folder.as_posix(), source)),
            "target": target,
        }
    return {"type": "volume", "source": source, "target": target}


def _container() -> dict[str, Any]:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "api"}
    labels |= {"dev.devctl.project": "shop", "dev.devctl.service": "api", "dev.devctl.mode": "dev"}
    return {
        "Id": "c" * 64, "Name": "/shop-api-1", "Image": "sha256:1",
        "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-01-01T00:00:00Z"},
        "Config": {"Image": "shop-api:dev", "Labels": labels, "User": ""},
        "HostConfig": {}, "NetworkSettings": {"Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "1"}]}, "Networks": {}},
        "Mounts": [],
    }  # fmt: skip
