"""docs/reference/engines.md: what the lane found, as tables. The text around them is written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, json

from tests.engines.behaviours import FAR, NEAR, Shown
from tests.engines.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs/reference/engines.md"
MEASURED = Path(__file__).with_name("measured.json")
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


class Measured(Struct):
    """One engine, as it was last tried."""

    date: str
    versions: dict[str, str]
    shown: dict[str, Shown]


def measured() -> dict[str, Measured]:
    return json.decode(MEASURED.read_bytes(), type=dict[str, Measured])


def keep(found: Mapping[str, Measured]) -> None:
    kept = {**(measured() if MEASURED.exists() else {}), **found}
    ordered = {kind.name: kept[kind.name] for kind in KINDS if kind.name in kept}
    MEASURED.write_bytes(json.format(json.encode(ordered), indent=1) + b"\n")
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables(ordered)}{END}{rest.split(END)[1]}", encoding="utf-8")


def tables(found: Mapping[str, Measured]) -> str:
    parts = list(dict.fromkeys(part for it in found.values() for part in it.versions))
    lines = [_row("", *found), _row(*["---"] * (len(found) + 1))]
    lines += [_row(part, *(it.versions.get(part, "–") for it in found.values())) for part in parts]
    lines += [_row("measured on", *(it.date for it in found.values()))]
    lines += [_row(name, *(_cell(it.shown.get(name)) for it in found.values())) for name in (*NEAR, *FAR)]
    failing = [
        f"- {engine}, {name}: {shown.detail.splitlines()[0]}\n"
        for engine, it in found.items()
        for name, shown in it.shown.items()
        if not shown.holds
    ]
    return "\n".join(lines) + "\n" + "".join(["\n", *failing] if failing else [])


def _cell(shown: Shown | None) -> str:
    return "–" if shown is None else "yes" if shown.holds else "**no**"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
