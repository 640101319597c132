"""Running a project: up, prod-preview, down, restart, rebuild, and the background watcher."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from devctl.cli.call import Pretty, common, later
from devctl.domain.command.requests import (
    COMPOSE_GRACE,
    DownRequest,
    PreviewRequest,
    RebuildRequest,
    RestartRequest,
    UpRequest,
    WatchRequest,
)
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, RUNTIME_BASES, BaseName

Services = Annotated[
    list[str] | None, typer.Argument(metavar="SERVICE", help="Services to act on (default: all).")
]
LONGEST_WAIT = 1_000_000.0
"""Seconds: what the system waits for is counted in milliseconds, in 31 bits."""


def _seconds(given: float | None) -> float | None:
    if given is not None and not 0 <= given <= LONGEST_WAIT:  # `nan` is neither
        raise typer.BadParameter(f"{given:g} is not between 0 and {LONGEST_WAIT:.0f} seconds")
    return given


Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        callback=_seconds,
        help="Seconds to wait for an answer, and for another devctl to finish.",
    ),
]


def register(app: typer.Typer) -> None:
    panel = "Run"
    app.command("up", rich_help_panel=panel)(up)
    app.command("prod-preview", rich_help_panel=panel)(prod_preview)
    app.command("down", rich_help_panel=panel)(down)
    app.command("restart", rich_help_panel=panel)(restart)
    app.command("rebuild", rich_help_panel=panel)(rebuild)
    app.command("watch-daemon", hidden=True)(watch_daemon)


def times(timeout: float | None) -> dict[str, Any]:
    """One flag, three waits, each with its own default."""
    if timeout is None:
        return {}
    return {"timeout": timeout, "lock_timeout": timeout, "compose_timeout": timeout + COMPOSE_GRACE}


def up(
    context: typer.Context,
    services: Services = None,
    *,
    detach: Annotated[
        bool,
        typer.Option("--detach", "-d", help="Return once the services answer; the watcher keeps running."),
    ] = False,
    no_watch: Annotated[
        bool, typer.Option("--no-watch", help="Do not watch go.mod and the other inputs.")
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="Open the service in the browser once it answers.")
    ] = False,
    pretty: Pretty = False,
    timeout: Timeout = None,
) -> None:
    """Start the dev stage: hot reload, source mounted, go.mod watched. Also switches back from production."""
    from devctl.workflows.screen.up import up as start

    request = UpRequest(
        **common(context),
        services=tuple(services or ()),
        detach=detach,
        watch=not no_watch,
        open=open_,
        pretty=pretty,
        **times(timeout),
    )
    later(context, "up", lambda box: start(request, box))


def prod_preview(
    context: typer.Context,
    base: Annotated[
        BaseName | None,
        typer.Option(
            metavar="|".join(RUNTIME_BASES),
            help=f"Runtime base (default: the project's own, else {DEFAULT_BASE}).",
        ),
    ] = None,
    drain: Annotated[
        bool, typer.Option("--drain", help="Also stop the service under load and count lost requests.")
    ] = False,
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Keep a failed container's files for inspection.")
    ] = False,
    timeout: Timeout = None,
) -> None:
    """Switch the running project to its production image, read-only and nonroot. `devctl up` switches back."""
    from devctl.workflows.preview import preview

    request = PreviewRequest(
        **common(context), base=base, drain=drain, keep_failed=keep_failed, **times(timeout)
    )
    later(context, "prod-preview", lambda box: preview.prod_preview(request, box))


def down(
    context: typer.Context,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Also delete the project's volumes: data is lost.")
    ] = False,
    timeout: Timeout = None,
) -> None:
    """Stop and remove the services and the watcher. Volumes and shared caches stay."""
    from devctl.workflows.dev import lifecycle

    request = DownRequest(**common(context), volumes=volumes, **times(timeout))
    later(context, "down", lambda box: lifecycle.down(request, box))


def restart(context: typer.Context, services: Services = None, timeout: Timeout = None) -> None:
    """Restart containers without rebuilding them."""
    from devctl.workflows.dev import lifecycle

    request = RestartRequest(**common(context), services=tuple(services or ()), **times(timeout))
    later(context, "restart", lambda box: lifecycle.restart(request, box))


def rebuild(context: typer.Context, services: Services = None, timeout: Timeout = None) -> None:
    """Build a new deps layer even if nothing changed, and start on it."""
    from devctl.workflows.dev import lifecycle

    request = RebuildRequest(**common(context), services=tuple(services or ()), **times(timeout))
    later(context, "rebuild", lambda box: lifecycle.rebuild(request, box))


def watch_daemon(context: typer.Context) -> None:
    """The background watcher of `devctl up -d`."""
    from devctl.domain.plan.planner import Step
    from devctl.workflows.dev import watch
    from devctl.workflows.session.steps import plan_outcome

    request = WatchRequest(**common(context))
    later(
        context,
        "watch-daemon",
        lambda box: (
            plan_outcome([Step("start", None, "the background watcher")])
            if request.dry_run
            else watch.watch_daemon(request, box)
        ),
    )
