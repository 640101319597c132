"""What a program is told by configuration files of the project: addresses, variables of a `.env` of its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from devctl.domain.address import names_our_port, serves_here
from devctl.domain.envfile import examples, variables
from devctl.domain.gofacts import GoPackage, Located, Setting

_CONFIGS = (".json", ".yaml", ".yml", ".toml", ".ini", ".conf", ".env", ".properties")
_CONFIG_FOLDERS = ("config", "configs", "conf")
_CONFIG_LINE = re.compile(
    r"""\s*["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*["']?([\w.\[\]-]*:?\d{2,5})["']?\s*,?\s*(?:#.*)?$"""
)


def with_configs(base: Path, package: GoPackage) -> GoPackage:
    """The files that viper's names stand for: `config` in the folder `conf` is conf/config.yaml, say."""
    folders = dict.fromkeys([".", *(o.value for o in package.opens), *_CONFIG_FOLDERS])
    found = []
    for named in package.configs:
        names = [named.value, *(f"{named.value}{ending}" for ending in _CONFIGS)]
        paths = (posixpath.normpath(f"{folder}/{name}") for folder in folders for name in names)
        there = next((path for path in paths if path.endswith(_CONFIGS) and (base / path).is_file()), None)
        if there is not None:
            found.append(Located(there, named.place))
    return replace(package, opens=(*package.opens, *found)) if found else package


def told_by_config(root: Path, base: Path, package: GoPackage, opened: Mapping[str, str]) -> GoPackage:
    """Addresses in a configuration file that is opened: `addr: :8080` says as much as a default in the code."""
    told = []
    for item in package.opens:
        name = opened.get(item.value, "")
        if name.endswith(_CONFIGS) and (content := _content(base / name)) is not None:
            path = posixpath.normpath(posixpath.relpath(base / name, root))
            for number, line in enumerate(content[:65536].decode(errors="replace").splitlines(), 1):
                found = _CONFIG_LINE.match(line)
                if found and names_our_port(found[1]) and serves_here(found[2]):
                    told.append(Setting(found[1], found[2], "field", f"{path}:{number}"))
    return replace(package, settings=(*told, *package.settings)) if told else package


def with_dotenv(folders: Iterable[Path], packages: list[GoPackage]) -> list[GoPackage]:
    """Variables that the program reads from a `.env` of its own are there, whoever starts it."""
    if not any("godotenv" in path or "spf13/viper" in path for p in packages for path in p.imports):
        return packages
    texts = [(_content(folder / ".env") or b"").decode(errors="replace") for folder in folders]
    there = {v.name for text in texts for v in variables(text) if v.default}
    return [
        replace(p, env_required=tuple(v for v in p.env_required if v.value not in there)) for p in packages
    ]


def with_env_files(base: Path, package: GoPackage) -> GoPackage:
    """Files of variables below the module's folder: whether they are there, and what could be copied where they are not."""
    if not package.env_files:
        return package
    found = []
    for file in package.env_files:
        if not file.path.startswith(("/", "..")):
            folder, name = posixpath.split(file.path)
            beside = (posixpath.join(folder, other) for other in examples(name))
            example = next((path for path in beside if (base / path).is_file()), "")
            found.append(replace(file, there=(base / file.path).is_file(), example=example))
    return replace(package, env_files=tuple(found))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
