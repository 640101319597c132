"""One page that shows what an image is made of: a treemap of the code, the rows, the layers. No outside resources, no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT = 1000.0, 520.0
_HUES = (211, 28, 145, 275, 350, 180, 50, 320, 95, 240)
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1040px;padding:0 20px;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:#111;pointer-events:none}
.bar{height:.6rem;background:#4a7fc1;border-radius:2px}
.note{color:#57606a}
@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ec}th,td{border-color:#333a42}.note{color:#9aa4ae}}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the treemap, and the index of what it stands for."""

    index: int
    x: float
    y: float
    width: float
    height: float


def size_page(result: Mapping[str, Any], title: str) -> str:
    """The whole page of a `size` result."""
    packages: Sequence[Mapping[str, Any]] = result["packages"]
    code = sum(p["size_bytes"] for p in packages)
    parts = [
        f"<h1>{escape(title)}: size of the production image</h1>",
        _rows(result),
        "<h2>Code by package</h2>",
        f'<p class="note">{len(packages)} Go packages, {_mb(code)} of machine code; data and tables are not in it.</p>'
        if packages
        else '<p class="note">The program has no table of Go functions that can be read.</p>',
        _treemap(packages),
        _modules(packages),
        "<h2>Layers</h2>",
        _layers(result["layers"]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}: size</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


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


def _treemap(packages: Sequence[Mapping[str, Any]]) -> str:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for package in packages:
        groups.setdefault(str(package["module"]), []).append(package)
    ordered = sorted(groups.items(), key=lambda item: -sum(p["size_bytes"] for p in item[1]))
    outer = squarify([sum(p["size_bytes"] for p in items) for _, items in ordered], 0, 0, WIDTH, HEIGHT)
    shapes = []
    for group in outer:
        _, items = ordered[group.index]
        hue = _HUES[group.index % len(_HUES)]
        inner = squarify(
            [p["size_bytes"] for p in items],
            group.x,
            group.y,
            max(group.width - 2, 0),
            max(group.height - 2, 0),
        )
        shapes += [_shape(box, items[box.index], hue) for box in inner]
    return f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="code by package">{"".join(shapes)}</svg>'


def _shape(box: Box, package: Mapping[str, Any], hue: int) -> str:
    name, size = str(package["name"]), int(package["size_bytes"])
    tip = f"{name} ({package['module']}): {_kb(size)}"
    rect = (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'fill="hsl({hue} 55% 72%)" stroke="#fff"><title>{escape(tip)}</title></rect>'
    )
    room = int(box.width / 6.2)
    if box.height < 15 or room < 4:
        return rect
    label = name if len(name) <= room else f"…{name[-(room - 1) :]}"
    return f'{rect}<text x="{box.x + 3:.1f}" y="{box.y + 12:.1f}">{escape(label)}</text>'


def _modules(packages: Sequence[Mapping[str, Any]]) -> str:
    sums: dict[tuple[str, str], int] = {}
    for package in packages:
        key = (str(package["module"]), str(package["version"] or ""))
        sums[key] = sums.get(key, 0) + int(package["size_bytes"])
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    lines = [
        f'<tr><td><code>{escape(m)}</code> {escape(v)}</td><td class="n">{_kb(s)}</td></tr>'
        for (m, v), s in ordered
    ]
    return _table(("module", "code"), lines) if lines else ""


def _rows(result: Mapping[str, Any]) -> str:
    rows = result["rows"]
    biggest = max((r["size_bytes"] for r in rows), default=1) or 1
    lines = []
    for r in rows:
        published = r["published_base_bytes"]
        note = f" (stand-in; published: {_mb(published)})" if published is not None else ""
        note = note or (" (stand-in)" if r["assembled"] else "")
        lines.append(
            f"<tr><td>{escape(r['base'])}<br><code>{escape(r['ref'])}</code></td>"
            f'<td class="n">{_mb(r["size_bytes"])}<div class="bar" style="width:{100 * r["size_bytes"] / biggest:.0f}%">'
            f'</div></td><td class="n">{_mb(r["base_bytes"])}{note}</td><td class="n">{_mb(r["binary_bytes"])}</td></tr>'
        )
    ratio = result["ratio"]
    said = f"<p>distroless is {ratio:.2f} × alpine</p>" if ratio is not None else ""
    budget = result["budget_bytes"]
    if budget is not None:
        said += f"<p>{'within' if result['within_budget'] else 'over'} the budget of {_mb(budget)}</p>"
    return _table(("base", "image", "base layer", "binary"), lines) + said


def _layers(layers: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"<tr><td>{escape(x['base'])}: <code>{escape(x['created_by'])}</code></td>"
        f'<td class="n">{_mb(x["size_bytes"])}</td></tr>'
        for x in layers
    ]
    return _table(("layer", "size"), lines)


def _table(head: Sequence[str], lines: Sequence[str]) -> str:
    cells = "".join(f"<th{' class=n' if i else ''}>{escape(word)}</th>" for i, word in enumerate(head))
    return f"<table><tr>{cells}</tr>{''.join(lines)}</table>"


def _mb(size: int) -> str:
    return f"{size / 1_000_000:.2f} MB"


def _kb(size: int) -> str:
    return f"{size / 1000:.1f} kB"
