"""What configuration files in the project tell a program: addresses, variables from its own `.env`."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from devctl.adapters.inputs import asked
from devctl.adapters.system.beneath import read_bytes
from devctl.domain.compose.env_file import examples, values
from devctl.domain.detect.address import names_our_port, serves_here
from devctl.domain.go.facts import ConfigFile, GoPackage, Located, Setting
from devctl.domain.regex import regex

_CONFIGS = (".json", ".yaml", ".yml", ".toml", ".ini", ".conf", ".env", ".properties")
_CONFIG_FOLDERS = ("config", "configs", "conf", "etc")
_SECTION = regex(
    r"""(?P<indent>\s*)(?:\[(?P<table>[\w.-]+)\]|["']?(?P<key>[A-Za-z_][\w.-]*)["']?\s*:\s*[{]?)\s*(?:#.*)?$"""
)
_CONFIG_LINE = regex(
    r"""\s*["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*["']?([\w.\[\]-]*:?\d{2,5})["']?\s*,?\s*(?:#.*)?$"""
)


def names_config(value: str) -> bool:
    """Whether the default of a flag or variable is a configuration file, or a folder of them. A `.env` must not be passed on."""
    if value.startswith("/") or "://" in value or value.endswith(".env"):
        return False
    return value.endswith(_CONFIGS) or ("/" in value and posixpath.basename(value) in _CONFIG_FOLDERS)


def with_configs(base: Path, package: GoPackage) -> GoPackage:
    """The files that viper's names stand for: `config` in the folder `conf` may be conf/config.yaml."""
    folders = dict.fromkeys([".", *(o.value for o in package.opens), *_CONFIG_FOLDERS])
    found = []
    for named in package.configs:
        names = [named.value, *(f"{named.value}{ending}" for ending in _CONFIGS)]
        paths = (posixpath.normpath(f"{folder}/{name}") for folder in folders for name in names)
        there = next((path for path in paths if path.endswith(_CONFIGS) and asked.is_file(base / path)), None)
        if there is not None:
            found.append(Located(there, named.place))
    return replace(package, opens=(*package.opens, *found)) if found else package


def told_by_config(root: Path, base: Path, package: GoPackage, opened: Mapping[str, str]) -> GoPackage:
    """Addresses in a configuration file that the code opens: `addr: :8080` says as much as a default in the code."""
    told = []
    for item in package.opens:
        for file in _files(base / opened.get(item.value, "nothing")):
            path = posixpath.normpath(posixpath.relpath(file, root))
            told += _told(_beginning(root, file), path)
    # The port in a section named after something else comes last: `redis:`, `metrics:`.
    told.sort(key=lambda setting: not names_our_port(setting.name))
    return replace(package, settings=(*told, *package.settings)) if told else package


def config_files(root: Path, base: Path) -> tuple[ConfigFile, ...]:
    """The content of the folders that usually hold configuration, the module's own first: a variable may name one of the
    files."""
    folders = [base, *(base / name for name in _CONFIG_FOLDERS)]
    files = [
        folder / name
        for folder in folders
        if asked.is_dir(folder)
        for name in asked.names(folder, endings=_CONFIGS)
    ]
    found = []
    for file in files:
        if not file.name.startswith(".") and asked.is_file(file):
            path = posixpath.normpath(posixpath.relpath(file, root))
            told = sorted(
                _told(_beginning(root, file), path), key=lambda setting: not names_our_port(setting.name)
            )
            found.append(ConfigFile(posixpath.relpath(file, base), tuple(told)))
    return tuple(found)


def _files(path: Path) -> list[Path]:
    if path.name in _CONFIG_FOLDERS and asked.is_dir(path):
        found = (path / name for name in asked.names(path, endings=_CONFIGS))
        return [file for file in found if asked.is_file(file)]
    return [path] if path.name.endswith(_CONFIGS) else []


def _told(text: str, path: str) -> list[Setting]:
    """Each with the section of the file that it is in: `server.grpc.addr`."""
    told: list[Setting] = []
    parts: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if line.strip() and not (parts and parts[0][0] < 0):  # of a table, up to the next one
            parts = [part for part in parts if part[0] < indent]
        found = _CONFIG_LINE.match(line)
        if found and names_our_port(found[1]) and serves_here(found[2]):
            name = ".".join([*(part for _, part in parts), found[1]])
            told.append(Setting(name, found[2], "field", f"{path}:{number}"))
        elif begun := _SECTION.match(line):
            parts = [(-1, begun["table"])] if begun["table"] else [*parts, (indent, begun["key"])]
    return told


def with_dotenv(root: Path, base: Path, packages: list[GoPackage]) -> list[GoPackage]:
    """Variables that the program reads from its own `.env` are set, whoever starts it."""
    if not any("godotenv" in path or "spf13/viper" in path for p in packages for path in p.imports):
        return packages
    texts = [(_content(root, at / ".env") or b"").decode(errors="replace") for at in (root, base)]
    there = {name: value for text in texts for name, value in values(text, own=True).items() if value}
    return [
        replace(
            p,
            env_required=tuple(v for v in p.env_required if v.value not in there),
            dotenv=tuple((name, there[name]) for name in _of_port(p) if name in there),
        )
        for p in packages
    ]


def _of_port(package: GoPackage) -> dict[str, None]:
    named = (read for read in package.env_reads if names_our_port(read.value))
    return dict.fromkeys(read.value for read in (*package.port_env, *named))


def with_env_files(base: Path, package: GoPackage) -> GoPackage:
    """Files of variables below the module's folder: whether they exist, and what could be copied if they do not."""
    if not package.env_files:
        return package
    found = []
    for file in package.env_files:
        if not file.path.startswith(("/", "..")):
            folder, name = posixpath.split(file.path)
            beside = (posixpath.join(folder, other) for other in examples(name))
            example = next((path for path in beside if asked.is_file(base / path)), "")
            found.append(replace(file, there=asked.is_file(base / file.path), example=example))
    return replace(package, env_files=tuple(found))


def _beginning(root: Path, path: Path) -> str:
    return (_content(root, path) or b"")[:65536].decode(errors="replace")


def _content(root: Path, path: Path) -> bytes | None:
    try:
        return read_bytes(path, within=root)
    except OSError:
        return None
