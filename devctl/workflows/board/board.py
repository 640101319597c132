"""`devctl ui`: the full view of a running project, in the terminal or as a page. It only reads, and never waits for the lock."""

from __future__ import annotations

from devctl.domain.board.view import Look, ServePage, Show
from devctl.domain.command.events import Outcome, Ready
from devctl.domain.command.requests import BoardRequest
from devctl.domain.plan.engine_state import Observed
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import UsageError
from devctl.workflows.board.observed import observing
from devctl.workflows.project.load import load
from devctl.workflows.session.name_conflict import own_containers
from devctl.workflows.session.steps import plan_outcome

DRAWN_FOR_A_PAGE = "TEXTUAL_DRIVER"
"""Set by the server of `--web` for the process that draws what the page shows: its streams are pipes."""


def refuse_pointless(request: BoardRequest, host: Host) -> None:
    """Raises UsageError if nobody would see the view."""
    seen = request.web or host.interactive() or host.env(DRAWN_FOR_A_PAGE) is not None
    if request.json or not seen:
        why = "is for people, and has no --json" if request.json else "needs a terminal"
        raise UsageError(
            f"devctl ui {why}",
            code="usage",
            hint="devctl status --json shows the same once, devctl logs -f --json follows it; devctl ui --web is for a browser",
        )


def plan_board(request: BoardRequest, box: Toolbox) -> Outcome:
    """Nothing is changed. Raises as the view does if there is nothing to show."""
    _must_run(box, load(box, request.project, lenient=True))
    return plan_outcome([])


def show_board(request: BoardRequest, box: Toolbox, show: Show) -> Outcome:
    """Until the user quits."""
    project = load(box, request.project, lenient=True)
    if box.host.env(DRAWN_FOR_A_PAGE) is None:  # a page may be reloaded after everything was stopped
        _must_run(box, project)
    with observing(box, project) as board:
        show(board, _look(request, box.host))
    return Outcome()


def serve_board(request: BoardRequest, box: Toolbox, serve: ServePage) -> Outcome:
    """Until Ctrl-C."""
    project = load(box, request.project, lenient=True)
    _must_run(box, project)
    words = [*box.host.own_program(), "--project", str(project.root), "ui"]

    def ready(url: str) -> None:
        box.reporter.emit(Ready(f"{url}\nanyone with this address can read the logs; Ctrl-C stops it"))

    serve(words, f"devctl {project.name}", request.port, ready)
    return Outcome(text="stopped serving")


def _must_run(box: Toolbox, project: Project) -> Observed:
    """Raises UsageError `not-running`, as `exec` and `restart` do."""
    observed = own_containers(box.files, box.engine, project)
    if not any(c.state in ("running", "restarting", "paused") for c in observed.containers):
        raise UsageError(f"no service of {project.name} is running", code="not-running", hint="devctl up -d")
    return observed


def _look(request: BoardRequest, host: Host) -> Look:
    ground = (host.env("COLORFGBG") or "").rpartition(";")[2]
    page = host.env(DRAWN_FOR_A_PAGE) is not None
    desktop = any(host.env(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")) or not host.is_linux()
    return Look(
        color=request.color,
        dark=ground not in ("7", "15") if ground else None,
        can_open=page or desktop,
    )
