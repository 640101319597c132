"""The configuration file that a variable names: `CONFIG_PATH`, set by somebody or left for devctl to set."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from msgspec.structs import replace

from devctl.domain.detect.main_package import Main
from devctl.domain.go.facts import ConfigFile, GoPackage, Located
from devctl.domain.project.model import Service
from devctl.domain.regex import regex

_ASKS = regex(r"(?:^|_)(?:CONFIG|CONF|CFG)(?:_?(?:PATH|FILE|FILEPATH|FILE_PATH))?$")
# For tools that a program may call or inspect: their files are not the program's own.
_OTHERS = ("AWS_", "DOCKER_", "GIT_", "HELM_", "KUBE", "LOG_", "NPM_", "OPENSSL_", "SSH_", "XDG_")
_READ = (".yaml", ".yml", ".toml", ".ini", ".conf", ".env", ".properties")
_CONFIG_JSON = regex(r"(?:^|/)(?:configs?|conf|etc)/[^/]+\.json$|(?:^|/)(?:config|settings)[^/]*\.json$")
# The files of a developer's machine first; nobody develops with `prod.yaml`.
_USUAL = ("local", "dev", "development", "config", "default")


def asked_config(main: Main, there: Mapping[str, str]) -> dict[str, str]:
    """The variable that the program reads for its configuration file and that nothing sets (`there`: what is set), with the
    matching file of the project: `{CONFIG_PATH: config/local.yaml}`. Nothing if the code opens a file by name."""
    files = {file.path for file in main.module.config_files}
    if any(item.value in files for package in main.closure for item in package.opens):
        return {}
    reads = [read for package in main.closure for read in (*package.env_required, *package.env_reads)]
    name = next((read.value for read in reads if _asks(read.value)), None)
    if name is None or name in there:
        return {}
    usual = [path for stem in _USUAL for path in sorted(files) if _stem(path) == stem]
    return {name: usual[0]} if usual else {}


def reread(service: Service) -> tuple[str, ...]:
    """Configuration files that the program reads at startup, relative to the project: an edit of one restarts it. A JSON file
    outside the usual configuration folders is as often written by the program itself."""
    files = [path for path in service.build.files if path.endswith(_READ) or _CONFIG_JSON.search(path)]
    files += [file.path for file in service.start.env_files if file.there]
    return tuple(posixpath.normpath(posixpath.join(service.source.dir, path)) for path in files)


def required_names(main: Main) -> set[str]:
    """Variables that the program requires, and those that name its configuration file."""
    asked = [read.value for p in main.closure for read in p.env_reads if _asks(read.value)]
    return {read.value for p in main.closure for read in p.env_required}.union(asked)


def read_names(main: Main) -> set[str]:
    """Variables that the code reads."""
    settings = {s.name for p in main.closure for s in p.settings if s.kind == "env"}
    return settings.union(read.value for p in main.closure for read in (*p.env_reads, *p.port_env))


def with_named(main: Main, environment: Mapping[str, str]) -> Main:
    """The main package with the files named in its environment among those it opens, and their ports before the rest."""
    files = {file.path: file for file in main.module.config_files}
    named = [files[path] for value in environment.values() if (path := _path(value)) in files]
    return _opening(main, named) if named else main


def _asks(name: str) -> bool:
    return _ASKS.search(name) is not None and not name.startswith(_OTHERS)


def _path(value: str) -> str:
    return posixpath.normpath(value.removeprefix("/app/")) if value else ""


def _stem(path: str) -> str:
    return posixpath.basename(path).partition(".")[0]


def _opening(main: Main, named: list[ConfigFile]) -> Main:
    place = posixpath.normpath(posixpath.join(main.module.dir, named[0].path))
    told = tuple(setting for file in named for setting in file.settings)
    keys = {_plain(setting.name) for setting in told}
    closure = [_computed(package, keys) for package in main.closure]
    first = replace(
        closure[0],
        opens=(*(Located(file.path, place) for file in named), *closure[0].opens),
        settings=(*told, *closure[0].settings),
    )
    return replace(main, package=first, closure=(first, *closure[1:]))


def _computed(package: GoPackage, keys: set[str]) -> GoPackage:
    """If the file has a value for a field, the field's default is not the listen address: `cfg.Address`, `address:`."""
    listens = tuple(
        replace(item, value="") if keys & {_plain(word) for word in item.about.split()} else item
        for item in package.listens
    )
    return replace(package, listens=listens)


def _plain(name: str) -> str:
    """`http_server.address`, `cfg.Address` → `address`."""
    return name.rpartition(".")[2].replace("_", "").lower()
