"""What grew in an image since the last build that was within the budget: kept a service, compared module by module."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devctl.domain.gobinary import Package


@dataclass(frozen=True, slots=True)
class Module:
    """The machine code of all packages of one module (`std` for the standard library)."""

    version: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """One image: all of it, its base, and its modules. `base` is the base's name (`distroless`)."""

    base: str
    size_bytes: int
    base_bytes: int
    modules: Mapping[str, Module]

    def as_json(self) -> dict[str, object]:
        return {
            "base": self.base,
            "size_bytes": self.size_bytes,
            "base_bytes": self.base_bytes,
            "modules": {name: [m.version, m.size_bytes] for name, m in self.modules.items()},
        }


@dataclass(frozen=True, slots=True)
class Grown:
    """A module with more code than before; `before` None: it is new."""

    module: str
    before: Module | None
    now: Module

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


def modules(packages: Iterable[Package]) -> dict[str, Module]:
    found: dict[str, Module] = {}
    for package in packages:
        so_far = found.get(package.module)
        size = package.size_bytes + (so_far.size_bytes if so_far is not None else 0)
        found[package.module] = Module(package.version, size)
    return found


def grown(before: Weighed, now: Weighed) -> tuple[Grown, ...]:
    """Modules with more code than before, what grew most first."""
    found = [Grown(name, before.modules.get(name), module) for name, module in now.modules.items()]
    return tuple(sorted((g for g in found if g.by_bytes > 0), key=lambda g: (-g.by_bytes, g.module)))


def growth_text(before: Weighed, now: Weighed) -> str:
    """What grew most since: a module, the base, or what is no code (embedded files, data, files of the image)."""
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
        return f"files and data that are no code grew by {rest / 1000:.0f} kB"
    return first.text if first is not None else "nothing grew: the budget is smaller"


def remembered(text: str | None) -> dict[str, Weighed]:
    """By service; what cannot be understood (another version wrote it) is as good as nothing."""
    try:
        raw = json.loads(text or "{}")
        return {
            str(service): Weighed(
                str(it["base"]),
                int(it["size_bytes"]),
                int(it["base_bytes"]),
                {
                    str(name): Module(str(version), int(size))
                    for name, (version, size) in it["modules"].items()
                },
            )
            for service, it in raw.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def remember(weighed: Mapping[str, Weighed]) -> str:
    return json.dumps({service: it.as_json() for service, it in weighed.items()}, indent=1) + "\n"
