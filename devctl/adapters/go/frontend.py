"""The output of a frontend build, which is not committed: the code embeds or serves it, but it does not exist."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from devctl.adapters.go.embed import embed_patterns, fitting
from devctl.adapters.inputs import asked
from devctl.adapters.system.beneath import read_bytes
from devctl.adapters.system.regular_file import walk
from devctl.domain.command.argv import shell_path
from devctl.domain.dockerfile.stages import filled
from devctl.domain.go.facts import Located, Unbuilt
from devctl.domain.regex import regex

_SKIPPED = frozenset({"node_modules", "vendor", "testdata"})
_DEEP = 4
"""Folders below the project's that are searched for a package.json."""
_MADE = frozenset({"dist", "build", "out", "public", "www"})
_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
_BUNDLERS = regex(
    r"(?:vite|webpack|svelte|rollup|angular|next|nuxt|astro|vue|esbuild)[\w.-]*\.(?:[cm]?[jt]s|json)"
)
_GENERATES = regex(rb"^//go:generate[ \t]+.*\b(?:npm|npx|yarn|pnpm|bun|make|vite)\b", re.MULTILINE)
_TARGET = regex(r"^([\w.-]+)[ \t]*:(?!=)")
_USED = regex(r"\$[({](\w+)[)}]")
_SET = regex(r"^(\w+)[ \t]*[:?]?=[ \t]*(\S.*)$", re.MULTILINE)


class _Frontend(Struct, frozen=True):
    """A folder with a package.json; `said`: its scripts and the settings of its bundler."""

    folder: str
    scripts: Mapping[str, str]
    manager: str
    said: str

    def makes(self, path: str) -> bool:
        below = posixpath.relpath(path, self.folder).split("/")[0]
        return below in _MADE and "build" in self.scripts

    def names(self, path: str) -> bool:
        return posixpath.relpath(path, self.folder) in self.said or f"/{path}" in self.said

    def command(self, path: str) -> str:
        told = posixpath.relpath(path, self.folder)
        wanted = [n for n, s in self.scripts.items() if told in s and told.startswith("..")]
        script = next((name for name in (*wanted, "build", *self.scripts) if name in self.scripts), "build")
        there = "" if self.folder == "." else f"cd {shell_path(self.folder)} && "
        return f"{there}{self.manager} install && {self.manager} run {script}"


def unbuilt_embeds(root: Path, folder: str, sources: Mapping[str, bytes]) -> tuple[Unbuilt, ...]:
    """go:embed patterns of a package that match no file. `folder`: that of the package, relative to `root`."""
    found = []
    for name, source in sources.items():
        for number, pattern in embed_patterns(source):
            if not _fits(root, folder, pattern):
                fixed = _without_wildcards(pattern.removeprefix("all:"))
                path = posixpath.normpath(posixpath.join(folder, fixed))
                place = posixpath.normpath(f"{folder}/{name}:{number}")
                generated = any(_GENERATES.search(text) for text in sources.values())
                command = f"go generate ./{folder}" if generated else build_command(root, path)
                found.append(Unbuilt(pattern, path, place, command, embedded=True))
    return tuple(found)


def _without_wildcards(pattern: str) -> str:
    """The folder above the first wildcard. Found without a regular expression, which took quadratic time on long lines."""
    first = min((at for sign in "*?[" if (at := pattern.find(sign)) >= 0), default=None)
    return pattern if first is None else pattern[:first].rpartition("/")[0]


def unbuilt_folders(root: Path, base: Path, opened: Iterable[Located]) -> tuple[Unbuilt, ...]:
    """What is served from a folder that an adjacent frontend is built into; `opened`: names below `base` that do not exist."""
    found: dict[str, Unbuilt] = {}
    for item in opened:
        path = posixpath.relpath(posixpath.join(base.as_posix(), item.value), root.as_posix())
        for top, below in _splits(path):
            if below in _MADE and asked.is_file(root / top / "package.json"):
                made = posixpath.normpath(f"{top}/{below}")
                if not asked.exists(root / made):
                    command = build_command(root, made)
                    found.setdefault(made, Unbuilt(item.value, made, item.place, command, embedded=False))
    return tuple(found.values())


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """`web/dist/index.html` → (`.`, `web`), (`web`, `dist`)."""
    parts = path.split("/")
    for at, part in enumerate(parts):
        yield "/".join(parts[:at]) or ".", part


def _fits(root: Path, folder: str, pattern: str) -> bool:
    plain = pattern.removeprefix("all:")
    found = fitting(root, folder, plain)
    if found is None:  # not a pattern that Go accepts: the compiler reports it
        return True
    # Go embeds no links, and reports that too
    return any(
        path.is_symlink() or asked.is_file(path) or _holds_files(path, everything=plain != pattern)
        for path in found
    )


def _holds_files(folder: Path, *, everything: bool) -> bool:
    for _, folders, files in walk(folder, noted=True):
        folders[:] = [name for name in folders if everything or name[0] not in "._"]
        if any(everything or name[0] not in "._" for name in files):
            return True
    return False


def build_command(root: Path, path: str) -> str:
    """The command that creates `path`, "" if none is found: that of the frontend it belongs to, or of a Makefile."""
    known = sorted(_frontends(root), key=lambda f: -len(f.folder))
    made = next((f for f in known if f.makes(path)), None) or next((f for f in known if f.names(path)), None)
    if made is not None:
        return made.command(path)
    if target := _make_target(root, path):
        return f"make {target}"
    if len(known) != 1 or not _MADE & set(path.split("/")):
        return ""
    return f"{known[0].command(path)}, and copy its output to {path}"


def _frontends(root: Path) -> Iterator[_Frontend]:
    for folder, names, files in walk(root, noted=True):
        below = posixpath.relpath(Path(folder).as_posix(), root.as_posix())
        deep = 0 if below == "." else below.count("/") + 1
        names[:] = [n for n in sorted(names) if n not in _SKIPPED and n[0] != "." and deep < _DEEP]
        if "package.json" in files and (read := _package_json(root, Path(folder))) is not None:
            scripts, manager = read
            texts = [_text(root, Path(folder, name)) for name in files if _BUNDLERS.fullmatch(name)]
            said = "\n".join([*scripts.values(), *texts])
            yield _Frontend(below, scripts, manager or _locked_by(root, Path(folder)), said)


def _package_json(root: Path, folder: Path) -> tuple[dict[str, str], str] | None:
    try:
        read = json.loads(_text(root, folder / "package.json"))
        scripts = {str(name): str(text) for name, text in read.get("scripts", {}).items()}
    except (ValueError, AttributeError):
        return None
    return scripts, str(read.get("packageManager") or "").partition("@")[0]


def _locked_by(root: Path, folder: Path) -> str:
    """The package manager whose lock file is beside it, or in a parent folder."""
    for at in (folder, *folder.parents):
        for name, manager in _LOCKS.items():
            if asked.is_file(at / name):
                return manager
        if at == root or asked.is_file(at / "package-lock.json"):
            break
    return "npm"


def _make_target(root: Path, path: str) -> str:
    """The target of the Makefile whose recipe creates something there."""
    text = _text(root, root / "Makefile")
    values = dict(_SET.findall(text))
    target = ""
    for line in text.splitlines():
        if (named := _TARGET.match(line)) is not None:
            target = named[1]
        for _ in range(3):
            line = filled(_USED, lambda found: values.get(found[1], ""), line)  # noqa: PLW2901
        words = line.split() if line.startswith("\t") else []
        put = [posixpath.normpath(word.strip("\"'").rstrip("/.*") or ".") for word in words[1:]]
        if path in put and words[0].lstrip("@-") not in ("rm", "mkdir", "echo"):
            return target
    return ""


def _text(root: Path, path: Path) -> str:
    try:
        return read_bytes(path, within=root).decode(errors="replace")
    except OSError:
        return ""
