"""Inspecting a project: status, logs, size, config."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devctl.cli.call import Pretty, common, later
from devctl.domain.command.requests import (
    BoardRequest,
    ConfigRequest,
    LogsRequest,
    SizeRequest,
    StatusRequest,
)
from devctl.domain.dockerfile.runtime_bases import BY_SIZE, enumerated
from devctl.errors import UsageError

if TYPE_CHECKING:
    from devctl.domain.command.events import Outcome
    from devctl.domain.ports.toolbox import Toolbox

MOST_LINES = 1_000_000_000
"""Of a log: whoever asks for more wants all, and a machine cannot count any number of digits."""
SIZE = f"Show the size of the production image on {enumerated(BY_SIZE)}, split into base and binary."


class Mode(StrEnum):
    dev = "dev"
    prod = "prod"


def register(app: typer.Typer) -> None:
    panel = "Inspect"
    app.command("status", rich_help_panel=panel)(status)
    app.command("ps", hidden=True)(status)
    app.command("logs", rich_help_panel=panel)(logs)
    app.command("ui", rich_help_panel=panel)(ui)
    app.command("size", rich_help_panel=panel, help=SIZE)(size)
    config = typer.Typer(help="Show what devctl decided and why.")
    for action, text in (
        ("show", "Show every value with its origin: file and line."),
        ("check", "Report problems in devctl.yaml, compose files and Dockerfiles, each with its place."),
        ("schema", "Print the JSON schema of devctl.yaml."),
    ):
        config.command(action, help=text)(_config(action))
    config.command("render")(render)
    app.add_typer(config, name="config", rich_help_panel=panel)


def status(context: typer.Context) -> None:
    """Show the mode, services and watcher, and which code is served."""
    from devctl.workflows.logs import status_and_logs as observe

    request = StatusRequest(verbose=context.obj.options.verbose, **common(context))
    later(context, "status", lambda box: observe.status(request, box))


def logs(
    context: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(metavar="SERVICE")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the logs until Ctrl-C.")] = False,
    tail: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Show only the last N lines of each service."),
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only newer lines: 10m, 1h30m, or 2026-01-31T12:00:00."),
    ] = None,
    pretty: Pretty = False,
) -> None:
    """Show the logs of services; with --json, also reloads, rebuilds and switches."""
    from devctl.workflows.logs import status_and_logs as observe

    request = LogsRequest(
        **common(context),
        services=tuple(services or ()),
        follow=follow,
        tail=None if tail is None else min(tail, MOST_LINES),
        since=since,
        pretty=pretty,
    )
    later(context, "logs", lambda box: observe.logs(request, box))


def ui(
    context: typer.Context,
    web: Annotated[
        bool,
        typer.Option("--web", help="Serve it to a browser on 127.0.0.1, behind a token, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=1024, help="Port of --web (default: a free one).")
    ] = None,
) -> None:
    """Watch the running project: services, a chart of reloads, go.mod, the last preview, and logs to search."""
    context.obj.command = "ui"
    if port is not None and port >= 2**16:
        raise UsageError(
            f"--port {port}: the highest port is 65535", code="usage", hint="devctl ui --web --port 8765"
        )
    if port is not None and not web:
        raise UsageError("--port without --web", code="usage", hint=f"devctl ui --web --port {port}")
    color = context.obj.options.color != "never"
    request = BoardRequest(**common(context), web=web, port=port or 0, color=color)
    later(context, "ui", lambda box: _drawn(request, box))


def _drawn(request: BoardRequest, box: Toolbox) -> Outcome:
    """Textual is an extra, and slow to load: both only matter once somebody can see it."""
    from devctl.cli import wiring
    from devctl.workflows.board import board

    if request.dry_run:
        return board.plan_board(request, box)
    board.refuse_pointless(request, box.host)
    wiring.must_have_ui()
    if request.web:
        return board.serve_board(request, box, wiring.serve_page)
    from devctl.ui.board.app import show

    return board.show_board(request, box, show)


def size(
    context: typer.Context,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Largest allowed image, such as 12MB or 10MiB; exit 1 if it is exceeded."
        ),
    ] = None,
    bases: Annotated[
        str | None,
        typer.Option(metavar="A,B", help=f"Bases to measure, separated by commas: {','.join(BY_SIZE)}."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a self-contained HTML page.")
    ] = None,
    reproducible: Annotated[
        bool, typer.Option("--reproducible", help="Also build a second time and compare the binaries.")
    ] = False,
) -> None:
    """The production image on each runtime base."""
    from devctl.ui.size_html import size_page
    from devctl.workflows.size import size as sizes

    chosen = tuple(b.strip() for b in bases.split(",")) if bases is not None else ()
    request = SizeRequest(
        **common(context), budget=budget, bases=chosen, html=html, reproducible=reproducible
    )
    later(context, "size", lambda box: sizes.size(request, box, page=size_page))


def render(
    context: typer.Context,
    mode: Annotated[Mode, typer.Option(metavar="dev|prod", help="Mode to render.")] = Mode.dev,
) -> None:
    """Print the model that devctl passes to compose."""
    from devctl.workflows.advice import config_command as config

    request = ConfigRequest(**common(context), action="render", mode=mode.value)
    later(context, "config", lambda box: config.config(request, box))


def _config(action: str) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        from devctl.workflows.advice import config_command as config

        request = ConfigRequest(**common(context), action=action)
        later(context, "config", lambda box: config.config(request, box))

    return command
