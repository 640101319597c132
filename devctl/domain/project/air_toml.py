"""The settings of air in the template, with a project's additions."""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from devctl.domain.command.argv import shell_words
from devctl.domain.project.container_files import PROGRAM
from devctl.domain.regex import regex

_CMD = regex(r"^cmd = .*$", re.MULTILINE)
_MAKE = regex(r"(?:^|[;&|(])\s*make(?:\s|$)")
_ENDINGS = regex(r"^include_ext = \[(.*)\]$", re.MULTILINE)
_UNWATCHED = regex(r"^exclude_dir = \[(.*)\]$", re.MULTILINE)


_TEXTS = "pre_cmd post_cmd args_bin include_ext include_dir include_file exclude_dir exclude_regex exclude_file".split()
_HEADER = regex(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = regex(r"\s*([\w.-]+)\s*=")
_DEEP = 32
"""Nesting of tables and lists; air uses two levels."""
NAMES = (".air.toml", ".config/air.toml")
"""Where air looks, in a folder."""


class UsersAir(Struct, frozen=True):
    """`path` relative to the project, `folder` where air is run, `values` as in the TOML. `builds`: whether its command builds
    this service, and not another one of the project; `lines`: by table and key (`build.cmd`)."""

    path: str
    folder: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    builds: bool = True

    @property
    def build(self) -> Mapping[str, Any]:
        """`[build]`, with its settings for Linux."""
        said = table(self.values, "build")
        return {**said, **{k: v for k, v in table(said, "linux").items() if v}}

    @property
    def calls_make(self) -> bool:
        """Whether one of its commands is a Makefile target."""
        said = (self.build.get(key) for key in ("cmd", "pre_cmd", "post_cmd"))
        commands = (
            str(line) for value in said for line in (value if isinstance(value, list) else [value or ""])
        )
        return any(_MAKE.search(command) for command in commands)

    @property
    def env_files(self) -> tuple[str, ...]:
        """The files that air reads variables from, relative to the project."""
        named = self.values.get("env_files")
        said = named if isinstance(named, list) else []
        return tuple(posixpath.normpath(posixpath.join(self.folder, str(name))) for name in said)

    def place(self, key: str) -> str:
        """The place of a key: in `[build]`, with the settings for Linux first, else of the file."""
        linux = table(table(self.values, "build"), "linux")
        names = [*(["build.linux."] if linux.get(key) else []), "build.", ""]
        found = next((self.lines[name + key] for name in names if name + key in self.lines), None)
        return f"{self.path}:{found}" if found is not None else self.path

    @property
    def proxy(self) -> tuple[int, int] | None:
        """The port that air's live reload listens on, and that of the program behind it."""
        said = table(self.values, "proxy")
        ports = said.get("proxy_port"), said.get("app_port")
        listens, app = (port if type(port) is int and 0 < port < 2**16 else None for port in ports)
        return (listens, app) if said.get("enabled") is True and listens and app else None


def users_air(text: str, path: str, *, folder: str | None = None) -> UsersAir:
    """`path` relative to the project; `folder`: where air is called, None if it finds the file by itself. Raises ValueError if
    it is not TOML, or if air refuses to start with it."""
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check(values)
    lines: dict[str, int] = {}
    within = ""
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.match(line)) is not None:
            within = f"{header[1]}."
        elif (found := _KEY.match(line)) is not None:
            lines.setdefault(within + found[1], number)
    if folder is None:
        folder = posixpath.dirname(path)
        folder = posixpath.dirname(folder) if posixpath.basename(folder) == ".config" else folder
    return UsersAir(path, folder or ".", values, lines)


_TOO_DEEP = "it is nested too deeply"


def _check(values: dict[str, Any]) -> None:
    waiting: list[tuple[Any, int]] = [(values, 0)]
    while waiting:
        value, deep = waiting.pop()
        if deep > _DEEP:
            raise ValueError(_TOO_DEEP)
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("a number in it is too large")
        if isinstance(value, dict | list):
            inside = value.values() if isinstance(value, dict) else value
            waiting += [(each, deep + 1) for each in inside]
    said = table(values, "build")
    for key, value in ((k, of.get(k)) for of in (said, table(said, "linux")) for k in _TEXTS):
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if value is not None and not texts:
            raise ValueError(f"`{key}` is not a list of strings")


def air_toml(
    template: str,
    command: list[str],
    *,
    unwatched: Iterable[str] = (),
    watched: Iterable[str] = (),
    vendored: bool = False,
) -> str:
    """`command`: that of `build_command`. `unwatched`: folders to leave out. `watched`: extensions (`*.txt`) and paths of
    files that are compiled in or read at startup. `vendored`: the build takes its modules from vendor/, so an edit there
    counts."""
    text = _CMD.sub(lambda _: f"cmd = {toml_string(shell_words(command))}", template, count=1)
    folders = [*dict.fromkeys([*_list(_UNWATCHED, text), *unwatched])]
    left = [folder for folder in folders if folder != "vendor" or not vendored]
    text = _UNWATCHED.sub(lambda _: f"exclude_dir = {toml_strings(left)}", text)
    names = tuple(watched)
    known = _list(_ENDINGS, text)
    new = [name.removeprefix("*.") for name in names if name.startswith("*.")]
    every = [*dict.fromkeys([*known, *new])]
    files = [name for name in names if not name.startswith("*.")]
    line = f"\ninclude_file = {toml_strings(files)}" if files else ""
    return _ENDINGS.sub(lambda _: f"include_ext = {toml_strings(every)}{line}", text)


def build_command(
    folder: str, main: str, tags: Iterable[str], ldflags: str, files: Iterable[str] = ()
) -> list[str]:
    """`devctl-build go build …` for a package of the module in `folder`, or for these `files` of it, from the mounted folder."""
    within = ["-C", folder] if folder != "." else []
    tagged = ["-tags", ",".join(tags)] if tags else []
    return [
        "devctl-build", *within, "go", "build", *tagged, f"-ldflags=-w {ldflags}".rstrip(), "-o", PROGRAM,
        *(words_of(main, files)),
    ]  # fmt: skip


def words_of(main: str, files: Iterable[str]) -> list[str]:
    """The arguments of `go build`."""
    return [posixpath.join(main, file) for file in files] or [main]


def endings(template: str) -> frozenset[str]:
    """The extensions of source files."""
    return frozenset(_list(_ENDINGS, template))


def toml_string(text: str) -> str:
    """A basic string: like JSON's, except for what JSON writes in two halves or not at all."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def toml_strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(toml_string, texts))}]"


def _list(pattern: re.Pattern[str], text: str) -> list[str]:
    """The words in the template's line."""
    found = pattern.search(text)
    assert found is not None
    return re.findall(r'"([^"]+)"', found[1])


def table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the TOML; empty if there is none."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}
