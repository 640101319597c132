"""Debugging a service: delve in its dev container, and the configuration for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from devctl.cli.call import common, later
from devctl.cli.commands.run import Timeout, times
from devctl.domain.command.requests import DebugRequest
from devctl.errors import UsageError


class EditorName(StrEnum):
    vscode = "vscode"
    goland = "goland"
    nvim = "nvim"


def register(app: typer.Typer) -> None:
    app.command("debug", rich_help_panel="Work in a container")(debug)


def debug(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(metavar="SERVICE", help="Service to debug (default: the only one).")
    ] = None,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Start the program only once a debugger connects.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(metavar="N", min=1024, help="Port on 127.0.0.1 (default: 2345, or the next free one)."),
    ] = None,
    editor: Annotated[
        EditorName | None,
        typer.Option(metavar="vscode|goland|nvim", help="Print the configuration for this editor."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the configuration, unless the file exists.")
    ] = False,
    timeout: Timeout = None,
) -> None:
    """Run a service under delve, built without optimisation, so that your editor can connect. `devctl up` ends debugging."""
    from devctl.workflows.debug import debug as workflow

    context.obj.command = "debug"
    if write and editor is None:
        raise UsageError(
            "--write without an editor", code="usage", hint="devctl debug --editor vscode --write"
        )
    if port is not None and port >= 2**16:
        raise UsageError(
            f"--port {port}: the highest port is 65535", code="usage", hint="devctl debug --port 2345"
        )
    request = DebugRequest(
        **common(context),
        services=(service,) if service else (),
        waits=wait,
        port=port,
        editor=editor,
        write=write,
        **times(timeout),
    )
    later(context, "debug", lambda box: workflow.debug(request, box))
