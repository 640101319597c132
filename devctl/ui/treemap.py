"""A treemap of Go packages as SVG: the area is the code size, with one colour per module. Drawn twice: for a desktop and for a
phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
Box = dict[str, float]
"""`x`, `y`, `dx` and `dy`, in squarify's terms."""
_LETTER = 6.8
"""Width of a letter at 11 px in a wide system font; a longer word is cut off at its box."""


Package = Mapping[str, Any]
Group = tuple[str, list[Package]]
"""Packages that are adjacent in one colour, the largest first."""


def treemap(packages: Sequence[Package]) -> str:
    """Both drawings; the width of the window selects one. A package without code gets no area; "" if there is none with code."""
    groups = _groups([p for p in packages if p["size_bytes"] > 0])
    return _drawing(groups, "wide", WIDE) + _drawing(groups, "narrow", NARROW) if groups else ""


def _groups(packages: Sequence[Package]) -> list[Group]:
    """By module; the standard library, which is most of a small service, by the first element of the path in one hue."""
    found: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        part = str(package["name"]).partition("/")[0] if package["module"] == "std" else ""
        found.setdefault((str(package["module"]), part), []).append(package)
    ordered = sorted(found.items(), key=lambda item: -_size(item[1]))
    others = list(dict.fromkeys(module for (module, _), _ in ordered if module != "std"))
    parts = [part for (module, part), _ in ordered if module == "std"]
    return [
        (_colour(parts.index(part) if module == "std" else None, others, module), items)
        for (module, part), items in ordered
    ]


def _size(packages: Sequence[Package]) -> int:
    return sum(p["size_bytes"] for p in packages)


def _colour(standard: int | None, others: Sequence[str], module: str) -> str:
    if standard is not None:
        return f"hsl({_STANDARD_HUE} 48% {_LIGHTNESS[standard % len(_LIGHTNESS)]}%)"
    return f"hsl({_HUES[others.index(module) % len(_HUES)]} 60% 72%)"


def _drawing(groups: Sequence[Group], name: str, size: tuple[float, float]) -> str:
    width, height = size
    whole = {"x": 0.0, "y": 0.0, "dx": width, "dy": height}
    shapes = [
        _shape(box, package, colour)
        for (colour, items), outer in zip(groups, _boxes([_size(g) for _, g in groups], whole), strict=True)
        for package, box in zip(items, _boxes([p["size_bytes"] for p in items], outer), strict=True)
    ]
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg class="map {name}" {view} role="img" aria-label="code by package">{"".join(shapes)}</svg>'


def _boxes(sizes: Sequence[int], within: Box) -> list[Box]:
    """One rectangle for each size (descending), its area in proportion."""
    import squarify

    width, height = within["dx"], within["dy"]
    areas = squarify.normalize_sizes(sizes, width, height)
    found: list[Box] = squarify.squarify(areas, within["x"], within["y"], width, height)
    return found


def _shape(box: Box, package: Package, colour: str) -> str:
    name, x, y, width, height = str(package["name"]), box["x"], box["y"], box["dx"], box["dy"]
    tip = f"{name} ({package['module']}): {package['size_bytes'] / 1000:.1f} kB"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.2f}"'
    rect = f'<rect {place} fill="{colour}"><title>{escape(tip)}</title></rect>'
    room = int((width - 6) / _LETTER)
    if height < 16 or room < 4:
        return rect
    label = name if len(name) <= room else f"…{name[-(room - 1) :]}"
    # An inner <svg> clips what is too long for its box, whatever font the reader has.
    return f'{rect}<svg {place}><text x="4" y="13">{escape(label)}</text></svg>'
