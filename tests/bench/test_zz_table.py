"""The last of the benchmarks: the rows of this run become docs/reference/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import statistics

import pytest

from tests.bench import chart
from tests.bench.before import BEFORE
from tests.bench.harness import RESULTS, Row, run

pytestmark = [pytest.mark.engine, pytest.mark.bench]
HEAD = """# Benchmarks

Made by `make bench` ({machine}). Both sides of a row ran in one run, on a machine with other
work; rows may be of different runs; figures are medians in ms with the
lowest and highest value. The machine is shared and noisy: the ratio counts, not the milliseconds. "Before" is the ratio of the same
row before this was made faster, in an earlier run. The base images were {bases}.

The chart shows the ratio of each row, and the aims.

![ratio of each benchmark, and its aim](../pictures/benchmarks.svg)

| what | devctl | against | ratio | before | aim | n |
| --- | --- | --- | --- | --- | --- | --- |
"""


def test_table() -> None:
    rows = [Row(**json.loads(path.read_text())) for path in sorted(RESULTS.glob("*.json"))]
    assert rows
    label = run(
        "docker",
        "image",
        "inspect",
        "--format",
        '{{index .Config.Labels "dev.devctl.assembled"}}',
        "golang:1.26-alpine",
    )
    engine = run("docker", "version", "--format", "{{.Server.Version}}").strip()
    compose = run("docker", "compose", "version", "--short").strip()
    machine = f"{os.cpu_count()} cores, {platform.system()}, engine {engine}, compose {compose}"
    text = HEAD.format(
        machine=machine, bases="assembled stand-ins" if label.strip() == "true" else "the published ones"
    )
    text += "".join(_line(row) for row in rows)
    notes = [f"- {row.title}: {row.note}" for row in rows if row.note]
    commands = [f"- {row.title}: `{row.command}` against {row.against}" for row in rows]
    text += "\n## Notes\n\n" + "\n".join(notes) + "\n\n## Commands\n\n" + "\n".join(commands) + "\n"
    chart.PAGE.write_text(text, encoding="utf-8")
    chart.write()


def _line(row: Row) -> str:
    aim = f"≤ {row.aim}" if row.aim is not None else "–"
    theirs = f"{row.against}: {_figure(row.theirs)}"
    before = f"{BEFORE[row.title]:.2f}" if row.title in BEFORE else "–"
    return f"| {row.title} | {_figure(row.ours)} | {theirs} | {row.ratio:.2f} | {before} | {aim} | {len(row.ours)} |\n"


def _figure(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"
