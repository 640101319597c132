"""Getting started: new, init, onboard, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devctl.cli.call import common, later
from devctl.cli.commands.run import Timeout, times
from devctl.domain.command.requests import DemoRequest, InitRequest, NewRequest, OnboardRequest


def register(app: typer.Typer) -> None:
    panel = "Get started"
    app.command("new", rich_help_panel=panel)(new)
    app.command("init", rich_help_panel=panel)(init)
    app.command("onboard", rich_help_panel=panel)(onboard)
    app.command("demo", rich_help_panel=panel)(demo)


def new(context: typer.Context, directory: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Create a small Go service to start from."""
    from devctl.workflows.start import scaffold

    request = NewRequest(**common(context), directory=directory)
    later(context, "new", lambda box: scaffold.new(request, box))


def init(
    context: typer.Context,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would be written.")] = False,
    devcontainer: Annotated[
        bool, typer.Option("--devcontainer", help="Write .devcontainer/, for an editor inside a container.")
    ] = False,
) -> None:
    """Write a Dockerfile, compose files and .air.toml into a repository; existing files are kept."""
    from devctl.workflows.start import scaffold

    request = InitRequest(**common(context), diff=diff, devcontainer=devcontainer)
    later(context, "init", lambda box: scaffold.init(request, box))


def onboard(
    context: typer.Context,
    note: Annotated[bool, typer.Option("--note", help="Also write ONBOARDING.md.")] = False,
    timeout: Timeout = None,
) -> None:
    """Go from a clone to the first response: checks and fixes, base images, .env, up."""
    from devctl.workflows.start import onboard as onboarding

    request = OnboardRequest(**common(context), note=note, **times(timeout))
    later(context, "onboard", lambda box: onboarding.onboard(request, box))


def demo(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the demo project running.")] = False,
) -> None:
    """Take a one-minute tour in a temporary folder, with each step timed."""
    from devctl.workflows.start import demo as show

    request = DemoRequest(**common(context), keep=keep)
    later(context, "demo", lambda box: show.demo(request, box))
