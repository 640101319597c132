"""How large the production image is, on which base, and what it consists of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from devctl.domain.dockerfile.runtime_bases import BY_SIZE, RUNTIME_BASES
from devctl.domain.image.facts import Layer
from devctl.domain.image.go_binary import Package
from devctl.domain.numbers import parse_size
from devctl.errors import UsageError

SMALL, LARGE = "distroless", "alpine"
"""What `ratio` compares, whichever bases there are (docs/reference/json-output.md)."""
MOST_PACKAGES = 200
"""Number of packages listed in a result; the rest of a large program is below 0.1 % each."""


class SizeRow(Struct, frozen=True):
    """One image, a row of `size` (docs/reference/json-output.md). `base_ref` None: no image; `published_base_bytes` if the
    local one is a stand-in."""

    service: str
    base: str
    ref: str
    size_bytes: int
    base_ref: str | None
    base_bytes: int
    binary_bytes: int
    assembled: bool
    published_base_bytes: int | None
    layers: tuple[Layer, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "layers"}

    @property
    def published_bytes(self) -> int:
        """The image as it would be on the published base."""
        base = self.base_bytes if self.published_base_bytes is None else self.published_base_bytes
        return self.size_bytes - self.base_bytes + base


class SizeReport(Struct, frozen=True):
    """`judged` are the rows that the budget applies to: the base of production, or all if that was not built."""

    rows: tuple[SizeRow, ...]
    packages: tuple[Package, ...]
    budget_bytes: int | None
    production: str

    @property
    def judged(self) -> tuple[SizeRow, ...]:
        return tuple(r for r in self.rows if r.base == self.production) or self.rows

    @property
    def over(self) -> tuple[SizeRow, ...]:
        budget = self.budget_bytes
        return () if budget is None else tuple(r for r in self.judged if r.size_bytes > budget)

    @property
    def worst(self) -> SizeRow:
        """The largest of those over the budget."""
        return max(self.over, key=lambda r: r.size_bytes)

    def as_json(self) -> dict[str, object]:
        return {
            "rows": [r.as_json() for r in self.rows],
            "ratio": ratio((r.base, r.size_bytes) for r in self.rows),
            "layers": [
                {"service": r.service, "base": r.base, **asdict(layer)}
                for r in self.rows
                for layer in r.layers
            ],
            "packages": [p.as_json() for p in self.packages[:MOST_PACKAGES]],
            "budget_bytes": self.budget_bytes,
            "within_budget": None if self.budget_bytes is None else not self.over,
        }


def budget_bytes(text: str | None) -> int | None:
    """Raises UsageError `bad-size`."""
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(
            str(error), code="bad-size", hint="--budget 12MB (10^6) or --budget 10MiB (2^20)"
        ) from error


def chosen_bases(names: Sequence[str]) -> tuple[str, ...]:
    """The requested ones in devctl's order, all by default. Raises UsageError `unknown-base`."""
    for name in names:
        if name not in BY_SIZE:
            raise UsageError(
                f"there is no base {name!r}",
                code="unknown-base",
                hint=f"--bases {','.join(BY_SIZE)}, or a subset",
            )
    return tuple(base for base in BY_SIZE if not names or base in names)


def ratio(sizes: Iterable[tuple[str, int]]) -> float | None:
    """SMALL against LARGE, over all services; None if one of them was not built."""
    known = tuple(sizes)
    small = sum(size for base, size in known if base == SMALL)
    large = sum(size for base, size in known if base == LARGE)
    return round(small / large, 3) if small and large else None


def ratio_text(value: float) -> str:
    return f"{SMALL} is {value:.2f} × {LARGE}"


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:.2f} MB"


def size_text(report: SizeReport) -> str:
    """The table, the ratio, and what the figures are based on."""
    several = len({r.service for r in report.rows}) > 1
    head = ("base", "image", "base layer", "binary")
    lines = [
        (_name(r, several), *map(_cell, (r.size_bytes, r.base_bytes, r.binary_bytes))) for r in report.rows
    ]
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    table = [
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in (head, *lines)
    ]
    measured = ratio((r.base, r.size_bytes) for r in report.rows)
    if measured is not None:
        table.append(ratio_text(measured))
    return "\n".join([*table, *_assembled_text(report), *_budget_text(report), *_packages_text(report)])


def _name(row: SizeRow, several: bool) -> str:
    return f"{row.service} {row.base}" if several else row.base


def _cell(size: int) -> str:
    return megabytes(size) if size else "–"


def _assembled_text(report: SizeReport) -> list[str]:
    rows = [r for r in report.rows if r.assembled]
    if not rows:
        return []
    bases = {
        r.base_ref: f"{r.base_ref} {megabytes(r.base_bytes)}"
        + (f" (published: {megabytes(r.published_base_bytes)})" if r.published_base_bytes is not None else "")
        for r in rows
    }
    lines = ["measured on base images assembled on this machine:", *(f"  {base}" for base in bases.values())]
    published = ratio((r.base, r.published_bytes) for r in report.rows)
    if published is not None and all(r.published_base_bytes is not None for r in rows):
        sums = ", ".join(
            f"{r.base} {megabytes(r.published_bytes)}" for r in report.rows if RUNTIME_BASES[r.base].image
        )
        lines += [f"with the published bases: {sums}", f"  {ratio_text(published)}"]
    return lines


def _budget_text(report: SizeReport) -> list[str]:
    if report.budget_bytes is None:
        return []
    word = "over" if report.over else "within"
    names = ", ".join(dict.fromkeys(r.base for r in report.over or report.judged))
    return [f"{names}: {word} the budget of {megabytes(report.budget_bytes)}"]


def _packages_text(report: SizeReport) -> list[str]:
    biggest = report.packages[:5]
    wide = max((len(p.name) for p in biggest), default=0)
    rows = (f"  {p.name:<{wide}}  {p.size_bytes // 1000:>5} kB" for p in biggest)
    return ["largest packages:", *rows] if biggest else []
