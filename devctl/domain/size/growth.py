"""What grew in an image since the last build within the budget: stored per service, compared module by module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from msgspec import Struct, field

from devctl.domain.image.go_binary import Package
from devctl.domain.project.state_folder import FolderNote


class ModuleShare(Struct, frozen=True):
    """The machine code of all packages of one module (`std` for the standard library)."""

    version: str
    size_bytes: int


class Weighed(Struct, frozen=True):
    """One image: its total size, that of its base, and its modules."""

    size_bytes: int
    base_bytes: int
    modules: Mapping[str, ModuleShare]


class BudgetNote(FolderNote, frozen=True):
    """The last images within a budget, by service: an image over the budget is compared with them, to say what grew."""

    file: ClassVar[str] = "budget.json"
    within: Mapping[str, Weighed] = field(default_factory=dict)


class Grown(Struct, frozen=True):
    """A module with more code than before; `before` None: it is new."""

    module: str
    before: ModuleShare | None
    now: ModuleShare

    @property
    def by_bytes(self) -> int:
        return self.now.size_bytes - (self.before.size_bytes if self.before is not None else 0)

    @property
    def text(self) -> str:
        name = "the standard library" if self.module == "std" else self.module
        more = f"{self.by_bytes / 1000:.0f} kB of code"
        if self.before is None:
            return f"{name} {self.now.version} is new, with {more}".replace("  ", " ")
        if self.before.version != self.now.version:
            return f"{name} grew by {more} ({self.before.version} → {self.now.version})"
        return f"{name} grew by {more}"

    def as_json(self) -> dict[str, object]:
        before = self.before
        return {
            "module": self.module,
            "from": (before.version or None) if before is not None else None,
            "to": self.now.version or None,
            "from_bytes": before.size_bytes if before is not None else 0,
            "to_bytes": self.now.size_bytes,
        }


def modules(packages: Iterable[Package]) -> dict[str, ModuleShare]:
    found: dict[str, ModuleShare] = {}
    for package in packages:
        so_far = found.get(package.module)
        size = package.size_bytes + (so_far.size_bytes if so_far is not None else 0)
        found[package.module] = ModuleShare(package.version, size)
    return found


def grown(before: Weighed, now: Weighed) -> tuple[Grown, ...]:
    """Modules with more code than before, those that grew most first."""
    found = [Grown(name, before.modules.get(name), module) for name, module in now.modules.items()]
    return tuple(sorted((g for g in found if g.by_bytes > 0), key=lambda g: (-g.by_bytes, g.module)))


def growth_text(before: Weighed, now: Weighed) -> str:
    """What grew most since: a module, the base, or data other than code (embedded files, files of the image)."""
    first = next(iter(grown(before, now)), None)
    base = now.base_bytes - before.base_bytes
    code = sum(m.size_bytes for m in now.modules.values()) - sum(
        m.size_bytes for m in before.modules.values()
    )
    rest = now.size_bytes - before.size_bytes - base - max(code, 0)
    if base > max(first.by_bytes if first is not None else 0, rest):
        return f"the base grew by {base / 1000:.0f} kB"
    if first is not None and first.by_bytes * 4 > rest:  # a module brings tables and data with its code
        return first.text
    if rest > 0:
        return f"files and data other than code grew by {rest / 1000:.0f} kB"
    return first.text if first is not None else "nothing grew; the budget is smaller"
