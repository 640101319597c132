"""A treemap of Go packages as SVG: the area is the code, one colour a module. Two of it: for a desktop, and for a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDE, NARROW = (1000.0, 520.0), (360.0, 560.0)
STYLE = """
.map{display:block;width:100%;height:auto}
.map text{font:11px system-ui,sans-serif;fill:#111;pointer-events:none}
.map rect{stroke:#fff;stroke-width:1}
.narrow{display:none}
@media(max-width:600px){.wide{display:none}.narrow{display:block}}
@media(prefers-color-scheme:dark){.map rect{stroke:#14171b}}
"""
_STANDARD_HUE = 211
_HUES = (28, 145, 275, 350, 180, 50, 320, 95, 240)
_LIGHTNESS = (72, 80, 66, 76, 84, 69)
_LETTER = 6.8
"""Width of a letter at 11 px, of a wide system font; a word that is wider all the same is cut at its box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the treemap, and the index of what it stands for."""

    index: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Group:
    """Packages that lie together in one colour, the biggest first."""

    colour: str
    packages: Sequence[Mapping[str, Any]]

    @property
    def size(self) -> int:
        return sum(int(p["size_bytes"]) for p in self.packages)


def squarify(sizes: Sequence[float], x: float, y: float, width: float, height: float) -> Iterator[Box]:
    """Rectangles with these areas (descending), each as near to a square as the row before it allows."""
    total = sum(sizes)
    if total <= 0 or width <= 0 or height <= 0:
        return
    scale = width * height / total
    areas = [size * scale for size in sizes]
    start = 0
    while start < len(areas) and min(width, height) > 0:
        side = min(width, height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(areas[start:end], side):
            end += 1
        depth = sum(areas[start:end]) / side
        along = 0.0
        for index in range(start, end):
            length = areas[index] / depth if depth else 0.0
            if width >= height:
                yield Box(index, x, y + along, depth, length)
            else:
                yield Box(index, x + along, y, length, depth)
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        start = end


def _worst(row: Sequence[float], side: float) -> float:
    total, small = sum(row), min(row)
    if small <= 0 or total <= 0:
        return float("inf")
    return max(side * side * max(row) / total**2, total**2 / (side * side * small))


def treemap(packages: Sequence[Mapping[str, Any]]) -> str:
    """Both drawings; the width of the window shows one of them. "" without packages."""
    if not packages:
        return ""
    groups = _groups(packages)
    return _drawing(groups, "wide", WIDE) + _drawing(groups, "narrow", NARROW)


def _groups(packages: Sequence[Mapping[str, Any]]) -> list[_Group]:
    """By module; the standard library, which is most of a small service, by the first word of the path in one hue."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for package in packages:
        module = str(package["module"])
        part = str(package["name"]).partition("/")[0] if module == "std" else ""
        found.setdefault((module, part), []).append(package)
    ordered = sorted(found.items(), key=lambda item: -sum(p["size_bytes"] for p in item[1]))
    others = list(dict.fromkeys(module for (module, _), _ in ordered if module != "std"))
    parts = [part for (module, part), _ in ordered if module == "std"]
    return [
        _Group(_colour(parts.index(part) if module == "std" else None, others, module), items)
        for (module, part), items in ordered
    ]


def _colour(standard: int | None, others: Sequence[str], module: str) -> str:
    if standard is not None:
        return f"hsl({_STANDARD_HUE} 48% {_LIGHTNESS[standard % len(_LIGHTNESS)]}%)"
    return f"hsl({_HUES[others.index(module) % len(_HUES)]} 60% 72%)"


def _drawing(groups: Sequence[_Group], name: str, size: tuple[float, float]) -> str:
    width, height = size
    shapes = []
    for outer in squarify([g.size for g in groups], 0, 0, width, height):
        group = groups[outer.index]
        sizes = [p["size_bytes"] for p in group.packages]
        for box in squarify(sizes, outer.x, outer.y, outer.width, outer.height):
            shapes.append(_shape(box, group.packages[box.index], group.colour))
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg class="map {name}" {view} role="img" aria-label="code by package">{"".join(shapes)}</svg>'


def _shape(box: Box, package: Mapping[str, Any], colour: str) -> str:
    name, size = str(package["name"]), int(package["size_bytes"])
    tip = f"{name} ({package['module']}): {size / 1000:.1f} kB"
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.2f}" height="{box.height:.2f}"'
    rect = f'<rect {place} fill="{colour}"><title>{escape(tip)}</title></rect>'
    room = int((box.width - 6) / _LETTER)
    if box.height < 16 or room < 4:
        return rect
    label = name if len(name) <= room else f"…{name[-(room - 1) :]}"
    # An inner <svg> cuts what is too long for its box, whatever font the reader has.
    return f'{rect}<svg {place}><text x="4" y="13">{escape(label)}</text></svg>'
