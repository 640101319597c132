"""What a command hands over: arguments are parsed first, the work runs afterwards, in one place that catches errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from devctl.cli.options import GlobalOptions

if TYPE_CHECKING:  # for annotations only: `--help` does not pay for them
    from devctl.domain.command.events import Outcome
    from devctl.domain.ports.toolbox import Toolbox

    Work = Callable[[Toolbox], Outcome]


Pretty = Annotated[bool, typer.Option("--pretty", help="On a terminal, reformat JSON logs for reading.")]


class Call(Struct):
    """One call of devctl; `command` and `work` are set by the command that typer chose."""

    options: GlobalOptions
    command: str = ""
    work: Work | None = None

    def leave(self, command: str, work: Work) -> None:
        self.command, self.work = command, work


def later(context: typer.Context, command: str, work: Work) -> None:
    """Leave the work to `main`."""
    session: Call = context.obj
    session.leave(command, work)


def common(context: typer.Context) -> dict[str, Any]:
    """The fields of `Request`, from the global options."""
    options: GlobalOptions = context.obj.options
    return {"project": options.project, "dry_run": options.dry_run, "yes": options.yes, "json": options.json}
