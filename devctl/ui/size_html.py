"""A page that shows what an image consists of: the rows, a treemap of the code, the layers. No external resources, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from devctl.domain.size.report import LARGE, megabytes, ratio, ratio_text
from devctl.ui import treemap

_STYLE = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1040px;padding:0 20px;color:#1b1f24;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;margin:.8rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top;overflow-wrap:break-word}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}
td.n>span:first-child{white-space:nowrap}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
.bar{height:.5rem;background:#4a7fc1;border-radius:2px;margin:.2rem 0 0 auto}
.note{color:#57606a}td .note{display:block;font-size:.85em}
@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ec}th,td{border-color:#333a42}.note{color:#9aa4ae}}
@media(max-width:600px){body{padding:0 12px;margin:1rem auto}th,td{padding:.3rem .25rem}.ref{display:none}}
"""


def size_page(result: Mapping[str, Any], title: str) -> str:
    """The whole page for a `size` result."""
    packages: Sequence[Mapping[str, Any]] = result["packages"]
    code = sum(p["size_bytes"] for p in packages)
    parts = [
        f"<h1>{escape(title)}: size of the production image</h1>",
        _rows(result),
        "<h2>Code by package</h2>",
        f'<p class="note">{len(packages)} Go packages, {_mb(code)} of machine code; data and tables are not included.</p>'
        if packages
        else '<p class="note">The program has no readable table of Go functions.</p>',
        treemap.treemap(packages),
        _modules(packages),
        "<h2>Layers</h2>",
        _layers(result["layers"]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}: size</title><style>{_STYLE}{treemap.STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


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
    several = len({r["service"] for r in rows}) > 1
    biggest = max((r["size_bytes"] for r in rows), default=1) or 1
    lines = []
    for r in rows:
        name = f"{r['service']} {r['base']}" if several else r["base"]
        width = 100 * r["size_bytes"] / biggest
        lines.append(
            f'<tr><td>{escape(name)} <code class="ref">{escape(r["ref"])}</code></td>'
            f'<td class="n"><span>{_mb(r["size_bytes"])}</span><div class="bar" style="width:{width:.0f}%"></div></td>'
            f'<td class="n"><span>{_mb(r["base_bytes"])}</span>{_stand_in(r)}</td>'
            f'<td class="n"><span>{_mb(r["binary_bytes"])}</span></td></tr>'
        )
    return _table(("base", "image", "base layer", "binary"), lines) + _said(result)


def _stand_in(row: Mapping[str, Any]) -> str:
    if not row["assembled"]:
        return ""
    published = row["published_base_bytes"]
    known = f"; published:\u00a0{_mb(published)}".replace(" MB", "\u00a0MB") if published is not None else ""
    return f' <span class="note">stand-in{known}</span>'


def _said(result: Mapping[str, Any]) -> str:
    lines = []
    if result["ratio"] is not None:
        lines.append(ratio_text(result["ratio"]))
    rows = result["rows"]
    if any(r["assembled"] for r in rows) and all(_published(r) is not None for r in rows):
        published = ratio((r["base"], _published(r) or 0) for r in rows)
        if published is not None:
            lines.append(f"with the published bases: {published:.2f} × {LARGE}")
    budget = result["budget_bytes"]
    if budget is not None:
        lines.append(f"{'within' if result['within_budget'] else 'over'} the budget of {_mb(budget)}")
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _published(row: Mapping[str, Any]) -> int | None:
    """The size of the image on the base that its stand-in replaces; None if that is unknown."""
    if not row["assembled"]:
        return int(row["size_bytes"])
    base = row["published_base_bytes"]
    return None if base is None else int(row["size_bytes"] - row["base_bytes"] + base)


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
    return megabytes(size) if size else "–"


def _kb(size: int) -> str:
    return f"{size / 1000:.1f} kB"
