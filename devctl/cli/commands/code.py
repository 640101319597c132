"""Working in a container, and next to it: exec, test, shell, env."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from devctl.cli.call import common, later
from devctl.domain.command.requests import EnvRequest, ExecRequest, GoTestRequest, ShellRequest
from devctl.errors import UsageError


class Shell(StrEnum):
    sh = "sh"
    fish = "fish"
    json = "json"
    dotenv = "dotenv"


def register(app: typer.Typer) -> None:
    panel = "Work in a container"
    app.command("exec", rich_help_panel=panel)(exec_)
    app.command("test", rich_help_panel=panel)(test)
    app.command("shell", rich_help_panel=panel)(shell)
    app.command("env", rich_help_panel=panel)(env)


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
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="After each save, test the affected packages.")
    ] = False,
    race: Annotated[bool, typer.Option("--race", help="Enable the race detector.")] = False,
    cover: Annotated[bool, typer.Option("--cover", help="Show statement coverage.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML.")
    ] = None,
) -> None:
    """Run `go test` in the running dev container."""
    from devctl.workflows.inside import go_test, watch_tests

    if watch and junit is not None:
        context.obj.command = "test"
        raise UsageError(
            "--junit cannot be combined with --watch",
            code="usage",
            hint="devctl test --junit FILE",
        )
    request = GoTestRequest(
        **common(context), packages=tuple(packages or ()), race=race, cover=cover, junit=junit,
        verbose=context.obj.options.verbose,
    )  # fmt: skip
    work = watch_tests.watch_tests if watch else go_test.test
    later(context, "test", lambda box: work(request, box))


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


def env(
    context: typer.Context,
    service: Annotated[
        str | None,
        typer.Argument(metavar="SERVICE", help=("Service whose environment to print (default: the first).")),
    ] = None,
    shell: Annotated[
        Shell, typer.Option(metavar="sh|fish|json|dotenv", help="Output format; bash and zsh use sh.")
    ] = Shell.sh,
) -> None:
    """Print a service's environment variables for programs on the host, with published addresses."""
    from devctl.workflows.environment import environment

    request = EnvRequest(**common(context), service=service, form=shell.value)
    later(context, "env", lambda box: environment.env(request, box))
