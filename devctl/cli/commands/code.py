"""Working in a container: exec, test, shell."""

from __future__ import annotations

from typing import Annotated

import typer

from devctl.cli.call import common, later
from devctl.domain.command.requests import ExecRequest, GoTestRequest, ShellRequest
from devctl.errors import UsageError


def register(app: typer.Typer) -> None:
    panel = "Work in a container"
    app.command("exec", rich_help_panel=panel)(exec_)
    app.command("test", rich_help_panel=panel)(test)
    app.command("shell", rich_help_panel=panel)(shell)


def exec_(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Service to run the command in.")],
    command: Annotated[list[str], typer.Argument(metavar="-- CMD", help="Command and its arguments.")],
) -> None:
    """Run a command in a service; its exit code is passed on."""
    from devctl.workflows.inside import exec as inside

    request = ExecRequest(**common(context), service=service, command=tuple(command))
    later(context, "exec", lambda box: inside.exec_(request, box))


def test(
    context: typer.Context,
    packages: Annotated[
        list[str] | None, typer.Argument(metavar="PKG", help="Packages to test (default: ./...).")
    ] = None,
) -> None:
    """Run `go test` in the running dev container."""
    from devctl.workflows.inside import exec as inside

    request = GoTestRequest(**common(context), packages=tuple(packages or ()))
    later(context, "test", lambda box: inside.test(request, box))


def shell(
    context: typer.Context,
    service: Annotated[
        str | None,
        typer.Argument(metavar="SERVICE", help="Service to open the shell in (default: the first)."),
    ] = None,
) -> None:
    """Open a shell in a service, or in a sidecar if its image has none (distroless)."""
    from devctl.workflows.inside import exec as inside

    context.obj.command = "shell"
    if context.obj.options.json and not context.obj.options.dry_run:
        raise UsageError(
            "shell has no JSON output", code="usage", hint="devctl exec SERVICE -- CMD, which has"
        )
    request = ShellRequest(**common(context), service=service)
    later(context, "shell", lambda box: inside.shell(request, box))
