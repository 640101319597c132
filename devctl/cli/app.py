"""`main(argv) -> int`: words in, exit code out. The only catch-all, and the only place that maps errors to exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

import typer

from devctl import __version__
from devctl.cli.commands import register
from devctl.cli.options import HELP, GlobalOptions, hoist
from devctl.cli.session import Session
from devctl.domain.events import Outcome
from devctl.errors import DevctlError, ExitCode, InterruptedByUser, UsageError

if TYPE_CHECKING:
    from devctl.ui.renderer import Renderer

# typer keeps its own copy of click private; the base of its usage errors is reached through a public subclass.
_TyperUsage: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="devctl",
    help="The development environment of a Go service in Docker.",
    epilog=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the rich help costs as much again as all of typer
    context_settings={"help_option_names": ["-h", "--help"]},
)
register(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises."""
    words = list(sys.argv[1:] if argv is None else argv)
    session = Session(GlobalOptions(json="--json" in words))
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    renderer: Renderer | None = None
    try:
        session.options, rest = hoist(words)
        if session.options.version:
            sys.stdout.write(f"devctl {__version__}\n")
            return ExitCode.OK
        code = _parse(session, rest)
        if session.work is None:
            return code
        renderer = _renderer(session)
        return _run(session, renderer)
    except DevctlError as error:
        return (renderer or _renderer(session)).failed(_command(session, words), error)
    except KeyboardInterrupt:
        return (renderer or _renderer(session)).failed(_command(session, words), _interrupted())
    except BrokenPipeError:
        return _quietly()
    except Exception as error:
        return (renderer or _renderer(session)).failed(_command(session, words), _bug(error, words))


def _parse(session: Session, rest: list[str]) -> int:
    """Let typer choose the command; it leaves its work in the session. Help and completion are done here and now."""
    try:
        result = app(args=rest, standalone_mode=False, obj=session, prog_name="devctl")
    except _TyperUsage as error:
        raise _usage(error, rest) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.Exit as exit_:
        return exit_.exit_code
    return result if isinstance(result, int) else ExitCode.OK


def _run(session: Session, renderer: Renderer) -> int:
    from devctl.cli import wiring

    assert session.work is not None
    with renderer:
        outcome: Outcome = session.work(wiring.toolbox(renderer))
        return renderer.finished(session.command, outcome)


def _renderer(session: Session) -> Renderer:
    if session.options.json:
        from devctl.ui.machine import JsonRenderer

        return JsonRenderer()
    from devctl.cli import wiring
    from devctl.ui.human import HumanRenderer

    options = session.options
    return HumanRenderer(
        quiet=options.quiet, verbose=options.verbose, color=wiring.wants_color(options.color)
    )


def _command(session: Session, words: Sequence[str]) -> str:
    return session.command or next((w for w in words if not w.startswith("-")), "devctl")


def _usage(error: Exception, rest: Sequence[str]) -> UsageError:
    message = getattr(error, "format_message", lambda: str(error))()
    command = next((w for w in rest if not w.startswith("-")), "")
    known = any(command == c.name for c in app.registered_commands) or command in ("bases", "config")
    return UsageError(
        message[:1].lower() + message[1:].rstrip("."),
        code="usage",
        hint=f"devctl {command} --help" if known else "devctl --help",
    )


def _interrupted() -> InterruptedByUser:
    return InterruptedByUser("interrupted", code="interrupted", hint="devctl status shows what still runs")


def _bug(error: Exception, words: Sequence[str]) -> DevctlError:
    from devctl.cli.report import write_report

    place = write_report(error, words)
    return DevctlError(
        f"a bug of devctl: {type(error).__name__}: {error}",
        code="internal-error",
        hint=f"send the report {place} with your bug report; secrets were taken out",
    )


def _like_ctrl_c(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _quietly() -> int:
    """Whoever read our output went away (`| head`): end without another word."""
    from devctl.cli import wiring

    wiring.discard_stdout()
    return ExitCode.OK
