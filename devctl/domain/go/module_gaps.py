"""Mismatches between go.mod, go.sum and vendor/, found without the go command: each one ends a build early."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from devctl.domain.go.gomod import GoMod, parse_mod
from devctl.domain.paths import is_below
from devctl.errors import FilesError

GapKind = Literal["require", "sum", "vendor"]


class ModuleGap(Struct, frozen=True):
    """`require`: imported, but no module in go.mod provides it; `sum`: required, but go.sum has no line for it; `vendor`:
    vendor/ does not match go.mod. `dir` is the module's folder in the project, `what` the first of them.

    `workspace`: Go builds with a go.work, whose vendor/ and checksums are its own, and the command belongs in `dir`.
    """

    dir: str
    kind: GapKind
    what: str
    workspace: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        if self.workspace:
            # Tidying looks up the other members, which need not be published; these use them from the workspace. Loading
            # packages completes go.work.sum, and `list` does so without building.
            commands: dict[GapKind, tuple[str, ...]] = {
                "require": ("go", "get", self.what),
                "sum": ("go", "list", "-deps", "./..."),
                "vendor": ("go", "work", "vendor"),
            }
            return commands[self.kind]
        return ("go", "mod", "vendor" if self.kind == "vendor" else "tidy")

    @property
    def text(self) -> str:
        where = "" if self.dir == "." else f"{self.dir}/"
        said = {
            "require": f"{where}go.mod names no module for the import {self.what}",
            "sum": f"no go.sum of the workspace has a checksum of {self.what}"
            if self.workspace
            else f"{where}go.sum has no checksum of {self.what}",
            "vendor": f"{where}vendor does not contain {self.what} as go.mod requires it",
        }
        return said[self.kind]


def module_gap(
    folder: str, mod_text: str, *, sum_text: str, vendor_text: str | None, imports: Iterable[str]
) -> ModuleGap | None:
    """The first gap of one module, None if there is none or go.mod cannot be read.

    `vendor_text` is vendor/modules.txt, None without it; a vendored build needs nothing from go.sum.
    """
    try:
        mod = parse_mod(mod_text)
    except FilesError:
        return None
    lacking = _unprovided([mod], imports)
    if lacking is not None:
        return ModuleGap(folder, "require", lacking)
    kind: GapKind = "sum" if vendor_text is None else "vendor"
    what = _unsummed(mod, sum_text) if vendor_text is None else _stale(mod, vendor_text)
    return ModuleGap(folder, kind, what) if what is not None else None


def workspace_gap(
    work: GoMod,
    members: Mapping[str, GoMod],
    *,
    folder: str,
    sum_text: str,
    vendor_text: str | None,
    imports: Mapping[str, Iterable[str]],
) -> ModuleGap | None:
    """The first gap of a workspace. Its modules see each other, and what any of them requires.

    `folder`: that of go.work; `members` and their `imports` by folder; `sum_text`: all go.sum files and go.work.sum.
    """
    for member, names in sorted(imports.items()):
        lacking = _unprovided([work, *members.values()], names)
        if lacking is not None:
            return ModuleGap(member, "require", lacking, workspace=True)
    own = {mod.module for mod in members.values()}
    whole = GoMod(
        requires=tuple(r for mod in members.values() for r in mod.requires if r.path not in own),
        replaces=(*work.replaces, *(r for mod in members.values() for r in mod.replaces)),
    )
    if vendor_text is not None:
        stale = _stale(whole, vendor_text)
        return ModuleGap(folder, "vendor", stale, workspace=True) if stale is not None else None
    unsummed = _unsummed(whole, sum_text)
    if unsummed is None:
        return None
    member = next(at for at, mod in members.items() if unsummed in mod.versions())
    return ModuleGap(member, "sum", unsummed, workspace=True)


def _unprovided(mods: Iterable[GoMod], imports: Iterable[str]) -> str | None:
    """The first import that no module provides. The standard library has no dot in its first element; everything else is below
    a module's path."""
    paths = {
        path
        for mod in mods
        for path in (mod.module, *(r.path for r in mod.requires), *(r.old for r in mod.replaces))
        if path
    }
    # No import path begins with a dash, which `go get` would take for a flag.
    possible = (name for name in sorted(set(imports)) if not name.startswith("-") and name != "C")
    foreign = (name for name in possible if "." in name.partition("/")[0])
    return next((n for n in foreign if not any(is_below(n, p) for p in paths)), None)


def _unsummed(mod: GoMod, sum_text: str) -> str | None:
    return next((path for path in mod.versions() if not _summed(mod, path, sum_text)), None)


def _stale(mod: GoMod, vendor_text: str) -> str | None:
    vendored = {tuple(line.split()[1:3]) for line in vendor_text.splitlines() if line.startswith("# ")}
    known = {path for path, *_ in vendored}
    versions = mod.versions().items()
    return next((p for p, v in versions if not _is_vendored(mod, p, v, vendored, known)), None)


def _summed(mod: GoMod, path: str, sum_text: str) -> bool:
    """One line is enough, of the content or of its go.mod: a module that no package is used from has only the latter."""
    built = mod.built(path, mod.versions()[path])
    return built is None or any(f"{' '.join(built)}{end} h1:" in sum_text for end in ("", "/go.mod"))


def _is_vendored(
    mod: GoMod, path: str, version: str, vendored: Iterable[tuple[str, ...]], known: Iterable[str]
) -> bool:
    """A replaced module is only looked for by its path: modules.txt writes the replacement in several ways."""
    if any(r.old == path for r in mod.replaces):
        return path in known
    return (path, version) in vendored
