"""`main(argv) -> int`: arguments in, exit code out. The only catch-all, and the only place that maps errors to exit codes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from devctl import __version__
from devctl.cli.call import Call
from devctl.cli.commands import ALIASES, register
from devctl.cli.help import Group
from devctl.cli.options import GlobalOptions, asks_json, first_word, hoist
from devctl.domain.regex import regex
from devctl.errors import (
    DevctlError,
    ExitCode,
    InterruptedByUser,
    MachineError,
    UsageError,
    lost_interruption,
)

if TYPE_CHECKING:
    from devctl.domain.command.events import Outcome
    from devctl.ui.renderer import Renderer

# typer keeps its copy of click private; the base class of its usage errors is reached through a public subclass.
_TyperUsage: type[Exception] = typer.BadParameter.__mro__[1]
_COMPLETION = ("--install-completion", "--show-completion")  # typer's: done while it reads the arguments
_SUGGESTED = regex(r"Did you mean '([^']+)'")

app = typer.Typer(
    name="devctl",
    cls=Group,
    help="A development environment for Go services in Docker.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs as much as the rest of typer
    context_settings={"help_option_names": ["-h", "--help"]},
)
register(app)


def main(argv: Sequence[str] | None = None, *, pressed: Callable[[], bool] = lambda: False) -> int:
    """Run one command and return its exit code; never raises. `pressed`: whether Ctrl-C came before it could begin."""
    words = list(sys.argv[1:] if argv is None else argv)
    session = Call(GlobalOptions(json=asks_json(words)))
    renderers: list[Renderer] = []
    try:
        return _run(session, words, renderers, pressed)
    except DevctlError as error:
        failure = error
    except KeyboardInterrupt:
        failure = InterruptedByUser()
    except SystemExit as exit_:  # typer's completion exits this way
        return exit_.code if isinstance(exit_.code, int) else ExitCode.OK
    except Exception as error:
        failure = InterruptedByUser() if lost_interruption(error) else _bug(error, words, renderers)
    renderer = renderers[0] if renderers else _renderer(session.options)
    if isinstance(failure, InterruptedByUser) and renderer.reader_gone:
        return ExitCode.OK  # `| head` has read enough: the normal end of a log
    try:
        return renderer.failed(session.command or _spoken(words), failure)
    except MachineError:  # the output cannot be written: only the code is left to say it
        return failure.exit_code


def _run(session: Call, words: Sequence[str], renderers: list[Renderer], pressed: Callable[[], bool]) -> int:
    session.options, rest = hoist(words)
    if session.options.version:
        session.leave("version", lambda _box: _version())
    else:
        code = _parse(session, rest)
        if session.work is None:  # help, already printed by typer
            return code
    renderers.append(_renderer(session.options))
    from devctl.cli import wiring

    assert session.work is not None
    wiring.search_only_absolute_paths()
    wiring.leave_removed_folder(session.options.project)
    box = wiring.toolbox(renderers[0])
    from devctl.workflows.project.find import places_from, root_of

    with (
        _interruptible(pressed),
        places_from(lambda: root_of(box.files, box.host, session.options.project)),
    ):
        outcome = session.work(box)
    return renderers[0].finished(session.command, outcome)


def _version() -> Outcome:
    from devctl.domain.command.events import Outcome

    return Outcome(result={"version": __version__}, text=f"devctl {__version__}")


def _completion_plan() -> Outcome:
    from devctl.domain.plan.planner import Step
    from devctl.workflows.session.steps import plan_outcome

    return plan_outcome([Step("write", None, "completion of this shell")])


def _parse(session: Call, rest: list[str]) -> int:
    """Let typer choose the command, which leaves its work in the session. Help and completion are handled right here."""
    if not rest and not session.options.json:
        app(args=["--help"], standalone_mode=False, obj=session, prog_name="devctl")
        return ExitCode.USAGE
    if rest and rest[0].partition("=")[0] in _COMPLETION:
        if session.options.dry_run:
            session.leave("devctl", lambda _box: _completion_plan())
            return ExitCode.OK
        if session.options.json:
            raise UsageError(f"{rest[0]} has no JSON output", code="usage", hint="devctl --help")
    try:
        result = app(args=rest, standalone_mode=False, obj=session, prog_name="devctl")
    except _TyperUsage as error:
        raise _usage(session, error, rest) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.Exit as exit_:
        result = exit_.exit_code
    except SystemExit as exit_:
        if not isinstance(exit_.__context__, BrokenPipeError):
            raise
        return ExitCode.OK  # `--help | head` has read enough
    except OSError as error:  # help alone is printed here
        raise MachineError(
            f"cannot write the output: {error.strerror}",
            code="output-not-writable",
            hint="free some space where the output goes: df -h",
        ) from error
    if result == ExitCode.INTERRUPTED:  # typer makes a silent exit of Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else ExitCode.OK


def _usage(session: Call, error: Exception, words: Sequence[str]) -> UsageError:
    """typer's message in devctl's format. The hint is the command that was probably meant, else the help of the right command."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "devctl"
    names = path.split()[1:]
    session.command = ALIASES.get(names[0], names[0]) if names else ""
    if "'-- CMD'" in message and "--" in words:  # what followed it was taken for the service
        return UsageError("missing argument 'SERVICE'", code="usage", hint=f"{path} --help")
    meant = _SUGGESTED.search(message)
    hint = f"{path} {meant[1]}" if meant is not None else f"{path} --help"
    return UsageError(message[:1].lower() + message[1:].rstrip("."), code="usage", hint=hint)


def _spoken(words: Sequence[str]) -> str:
    """The command of a call that failed before typer could choose one."""
    groups = [g.name for g in app.registered_groups]
    names = {c.name for c in app.registered_commands}.union(groups)
    word = first_word(words)
    return ALIASES.get(word, word) if word in names else "devctl"


def _renderer(options: GlobalOptions) -> Renderer:
    from devctl.cli import wiring

    if options.json:
        from devctl.ui.json import JsonRenderer

        return JsonRenderer(discard=wiring.discard_stdout)
    from devctl.ui.text import HumanRenderer

    return HumanRenderer(
        quiet=options.quiet,
        verbose=options.verbose,
        colors=(wiring.wants_color(options.color, sys.stdout), wiring.wants_color(options.color, sys.stderr)),
        links=(wiring.links(sys.stdout, options.project), wiring.links(sys.stderr, options.project)),
        screen=wiring.wants_screen() and not options.quiet,
        utf8=wiring.shows_utf8(),
        discard=wiring.discard_stdout,
    )


def _bug(error: Exception, words: Sequence[str], renderers: Sequence[Renderer]) -> DevctlError:
    from devctl.cli.report import write_report
    from devctl.domain.project.redact import redact

    plan = next((r.plan for r in renderers), "")
    place = write_report(error, words, plan=plan, events=[e for r in renderers for e in r.recent])
    return DevctlError(
        f"a bug in devctl: {type(error).__name__}: {redact(str(error))}",
        code="internal-error",
        hint=f"send the report {place} with your bug report; secrets have been removed",
    )


@contextmanager
def _interruptible(pressed: Callable[[], bool]) -> Iterator[None]:
    """Ctrl-C and SIGTERM interrupt what is done in here, and nothing else: not the report that follows (see `__main__`). Only
    the main thread may set signal handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a background job of a shell
        numbers.append(signal.SIGINT)
    # Python's own handler raises KeyboardInterrupt, and asyncio replaces only that one.
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        if pressed():
            raise KeyboardInterrupt
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
