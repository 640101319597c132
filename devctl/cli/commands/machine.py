"""The machine: doctor, bases, clean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from devctl.cli.call import common, later
from devctl.domain.command.requests import BasesRequest, CleanRequest, DoctorRequest


def register(app: typer.Typer) -> None:
    panel = "Machine"
    app.command("doctor", rich_help_panel=panel)(doctor)
    bases = typer.Typer(help="Manage base images.", invoke_without_command=True)
    bases.callback()(bases_list)
    for action, text in (
        ("list", "List base images, where they come from and whether they are available locally."),
        ("pull", "Pull each base image from the mirror or its registry."),
        ("build", "Assemble a stand-in for each base image that no registry provides."),
    ):
        bases.command(action, help=text)(_bases(action))
    bases.command("save")(bases_save)
    bases.command("load")(bases_load)
    app.add_typer(bases, name="bases", rich_help_panel=panel)
    app.command("clean", rich_help_panel=panel)(clean)


def doctor(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what can be fixed.")] = False,
) -> None:
    """Check this machine and say how to fix what is wrong."""
    from devctl.workflows.doctor import commands as machine

    request = DoctorRequest(**common(context), fix=fix)
    later(context, "doctor", lambda box: machine.doctor(request, box))


def clean(
    context: typer.Context,
    caches: Annotated[
        bool, typer.Option("--caches", help="Also delete the build caches that projects share.")
    ] = False,
) -> None:
    """Remove what devctl created and no longer needs."""
    from devctl.workflows.doctor import clean as cleaning

    request = CleanRequest(**common(context), caches=caches)
    later(context, "clean", lambda box: cleaning.clean(request, box))


def bases_list(context: typer.Context) -> None:
    """List base images, where they come from and whether they are available locally."""
    if context.invoked_subcommand is None:
        _bases("list")(context)


def bases_save(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Save the base images to a file, for a machine without network access."""
    _bases("save", file)(context)


def bases_load(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Load base images from such a file."""
    _bases("load", file)(context)


def _bases(action: str, file: Path | None = None) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        from devctl.workflows.doctor import commands as machine

        request = BasesRequest(**common(context), action=action, file=file)
        later(context, "bases", lambda box: machine.bases(request, box))

    return command
