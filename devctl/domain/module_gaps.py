"""What go.mod, go.sum and vendor/ lack of one another, seen without the go command: each gap ends a build early."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from devctl.domain.gomod import GoMod, parse_mod
from devctl.errors import FilesError

GapKind = Literal["require", "sum", "vendor"]


@dataclass(frozen=True, slots=True)
class ModuleGap:
    """`require`: imported, but no module of go.mod has it; `sum`: required, but go.sum has no line of it; `vendor`:
    vendor/ does not say what go.mod says. `dir` is the module's folder in the project, `what` the first of them."""

    dir: str
    kind: GapKind
    what: str

    @property
    def command(self) -> tuple[str, ...]:
        return ("go", "mod", "vendor" if self.kind == "vendor" else "tidy")

    @property
    def text(self) -> str:
        where = "" if self.dir == "." else f"{self.dir}/"
        said = {
            "require": f"{where}go.mod names no module for the import {self.what}",
            "sum": f"{where}go.sum has no checksum of {self.what}",
            "vendor": f"{where}vendor does not hold {self.what} as go.mod asks for it",
        }
        return said[self.kind]


def module_gap(
    folder: str, mod_text: str, *, sum_text: str, vendor_text: str | None, imports: Iterable[str]
) -> ModuleGap | None:
    """The first gap of one module, None where there is none or go.mod cannot be read.

    `vendor_text` is vendor/modules.txt, None without it; a vendored build asks go.sum for nothing.
    """
    try:
        mod = parse_mod(mod_text)
    except FilesError:
        return None
    lacking = next((name for name in sorted(set(imports)) if not _provided(mod, name)), None)
    if lacking is not None:
        return ModuleGap(folder, "require", lacking)
    if vendor_text is not None:
        vendored = {tuple(line.split()[1:3]) for line in vendor_text.splitlines() if line.startswith("# ")}
        known = {path for path, *_ in vendored}
        stale = [p for p, v in mod.versions().items() if not _is_vendored(mod, p, v, vendored, known)]
        return ModuleGap(folder, "vendor", stale[0]) if stale else None
    unsummed = next((path for path in mod.versions() if not _summed(mod, path, sum_text)), None)
    return ModuleGap(folder, "sum", unsummed) if unsummed is not None else None


def _provided(mod: GoMod, name: str) -> bool:
    """The standard library has no dot in its first word; everything else lies below a module's path."""
    if "." not in name.partition("/")[0] or name == "C":
        return True
    paths = [mod.module, *(r.path for r in mod.requires), *(r.old for r in mod.replaces)]
    return any(name == path or name.startswith(f"{path}/") for path in paths)


def _summed(mod: GoMod, path: str, sum_text: str) -> bool:
    """One line is enough, of the content or of its go.mod: a module that no package is taken from has only the latter."""
    version = mod.versions()[path]
    swap = next((r for r in mod.replaces if r.old == path and r.old_version in ("", version)), None)
    if swap is not None and swap.local:
        return True
    wanted, at = (swap.new, swap.new_version) if swap is not None else (path, version)
    return f"{wanted} {at} h1:" in sum_text or f"{wanted} {at}/go.mod h1:" in sum_text


def _is_vendored(
    mod: GoMod, path: str, version: str, vendored: Iterable[tuple[str, ...]], known: Iterable[str]
) -> bool:
    """A replaced module is only looked for by its path: modules.txt spells the replacement in several ways."""
    if any(r.old == path for r in mod.replaces):
        return path in known
    return (path, version) in vendored
