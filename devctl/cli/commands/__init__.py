"""The table of command groups: adding one is a module here and a line below."""

from __future__ import annotations

import typer

from devctl.cli.commands import code, debug, look, machine, run, start
from devctl.cli.help import Command, Group

GROUPS = (run, look, code, debug, start, machine)
ALIASES = {"ps": "status"}
"""Another name of a command; reported is the command's own."""


def register(app: typer.Typer) -> None:
    """Every command of every group, all with devctl's help format."""
    for group in GROUPS:
        group.register(app)
    _style(app)


def _style(app: typer.Typer) -> None:
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            group.typer_instance.rich_markup_mode = None
            _style(group.typer_instance)
