"""The table of command groups: adding one is a module here and a line below."""

from __future__ import annotations

import typer

from devctl.cli.commands import code, look, machine, run, start

GROUPS = (run, look, code, start, machine)


def register(app: typer.Typer) -> None:
    for group in GROUPS:
        group.register(app)
