"""The chart of the benchmarks (docs/pictures/benchmarks.svg), drawn from the table of docs/reference/benchmarks.md.

python -m tests.bench.chart            whether the chart is current
python -m tests.bench.chart --write    draws it; `make bench` does too
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from msgspec import Struct

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "benchmarks.md"
PICTURE = DOCS / "pictures" / "benchmarks.svg"

NAMES, FIGURES, END = 284, 614, 784
"""Where, from the left: bars begin; figures do, past the longest bar; the picture ends."""
TOP, STEP, BAR = 76, 26, 14
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; font-size: 15px; }
.small { font-size: 12px; fill: #52606d; }
.paper { fill: #ffffff; stroke: #d9e2ec; }
.line { stroke: #9aa5b1; stroke-dasharray: 3 3; }
.good { fill: #0f9d8a; } .over { fill: #d9730d; } .free { fill: #8593a3; }
.aim { stroke: #1f2933; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .small { fill: #a3b1bf; }
  .paper { fill: #1b2026; stroke: #3e4c59; }
  .aim { stroke: #ffffff; }
}
"""


class Bar(Struct, frozen=True):
    title: str
    ratio: float
    aim: float | None

    @property
    def kind(self) -> str:
        if self.aim is None:
            return "free"
        return "good" if self.ratio <= self.aim else "over"

    @property
    def figures(self) -> str:
        aim = "" if self.aim is None else f"aim ≤ {self.aim:g}: {'met' if self.kind == 'good' else 'missed'}"
        return f"{self.ratio:.2f}   {aim}".strip()


def bars(page: str) -> list[Bar]:
    """The rows of the table, the shortest time relative to the other side first."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    return sorted(
        (
            Bar(title=what, ratio=float(ratio), aim=float(aim.removeprefix("≤ ")) if aim != "–" else None)
            for what, _ours, _theirs, ratio, _before, aim, _n in cells[2:]
        ),
        key=lambda bar: bar.ratio,
    )


def svg(drawn: list[Bar]) -> str:
    height = TOP + STEP * len(drawn) + 12
    scale = (FIGURES - NAMES - 12) / max(1.0, *(max(bar.ratio, bar.aim or 0) for bar in drawn))
    met = sum(bar.kind == "good" for bar in drawn)
    aimed = sum(bar.aim is not None for bar in drawn)
    title = "What devctl takes, relative to the other side"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {END} {height}" width="{END}" height="{height}" '
        f'role="img" aria-label="{title}; {met} of {aimed} aims are met">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{END - 1}" height="{height - 1}" rx="6"/>',
        f'<text class="title" x="16" y="28">{title}</text>',
        f'<text class="small" x="16" y="48">1 is as long as the other side, shorter is better; '
        f"a mark is the aim ({met} of {aimed} are met)</text>",
        f'<line class="line" x1="{NAMES + scale:.1f}" x2="{NAMES + scale:.1f}" y1="{TOP - 10}" y2="{height - 12}"/>',
        f'<text class="small" x="{NAMES + scale:.1f}" y="{TOP - 13}" text-anchor="middle">1</text>',
        *(part for row, bar in enumerate(drawn) for part in _drawn(bar, TOP + STEP * row, scale)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(bar: Bar, top: int, scale: float) -> Iterator[str]:
    base = top + 12
    yield f'<text x="{NAMES - 10}" y="{base}" text-anchor="end">{escape(bar.title)}</text>'
    yield (
        f'<rect class="{bar.kind}" x="{NAMES}" y="{top}" width="{max(bar.ratio * scale, 2):.1f}" '
        f'height="{BAR}" rx="2"/>'
    )
    if bar.aim is not None:
        at = NAMES + bar.aim * scale
        yield f'<line class="aim" x1="{at:.1f}" x2="{at:.1f}" y1="{top - 3}" y2="{top + BAR + 3}"/>'
    yield f'<text class="small" x="{FIGURES}" y="{base}" xml:space="preserve">{bar.figures}</text>'


def write() -> None:
    PICTURE.write_text(svg(bars(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")


def is_current() -> bool:
    drawn = svg(bars(PAGE.read_text(encoding="utf-8")))
    return PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == drawn


def main() -> int:
    if "--write" in sys.argv[1:]:
        write()
    elif not is_current():
        print(f"not current: {PICTURE}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
