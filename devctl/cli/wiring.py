"""The only place that joins adapters to ports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from devctl.adapters.docker.compose import ComposeCli
from devctl.adapters.docker.engine import EngineCli
from devctl.adapters.project_files.shipped_templates import ShippedTemplates
from devctl.adapters.project_files.sources import ProjectSources
from devctl.adapters.screen.terminal import SystemTerminal
from devctl.adapters.system import host
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.host import SystemClock, SystemHost
from devctl.adapters.system.http_probe import SocketProber
from devctl.adapters.system.identity import HomeIdentity
from devctl.adapters.system.private_state import HomePrivateState
from devctl.adapters.system.process import SystemProcesses
from devctl.adapters.system.state_folder import SystemStateFolder
from devctl.adapters.system.watcher import FolderWatcher
from devctl.domain.command.events import Asking, LogLine, OnTerminal
from devctl.domain.ports.host import Reporter
from devctl.domain.ports.toolbox import Images, Toolbox

if TYPE_CHECKING:
    from devctl.domain.ports.identity import Identity
    from devctl.domain.ports.machine import MachineBox
    from devctl.ui.links import Links


TOOL_ANSWERS_WITHIN = 5.0


def toolbox(reporter: Reporter) -> Toolbox:
    """The real adapters. Each imports its library where it uses it, so this costs no start-up time."""
    processes, identity = SystemProcesses(), HomeIdentity()
    return Toolbox(
        reporter=reporter,
        processes=processes,
        files=SystemFiles(),
        state=SystemStateFolder(),
        private=HomePrivateState(),
        identity=identity,
        sources=ProjectSources(),
        compose=ComposeCli(processes, lambda service, line: reporter.emit(LogLine(service, "build", line))),
        engine=EngineCli(processes),
        images=cache(lambda: _images(identity)),
        prober=SocketProber(),
        clock=SystemClock(),
        host=_host(reporter),
        terminal=SystemTerminal(ours=lambda yes: reporter.emit(OnTerminal(yes))),
        watcher=FolderWatcher(),
        templates=ShippedTemplates(),
        machine=cache(lambda: _machine(reporter, processes, identity)),
    )


def _host(reporter: Reporter) -> SystemHost:
    return SystemHost(asking=lambda: reporter.emit(Asking()))


def _images(identity: Identity) -> Images:
    from devctl.adapters.docker.image_reader import SdkImages

    return SdkImages(identity)


def _machine(reporter: Reporter, processes: SystemProcesses, identity: Identity) -> MachineBox:
    from devctl.adapters.docker.image_store import WhalesImageStore
    from devctl.adapters.doctor.installer import SystemInstaller
    from devctl.adapters.doctor.machine import SystemMachine
    from devctl.adapters.stand_ins.assemble import StandInAssembler
    from devctl.domain.ports.machine import MachineBox

    folder = host.cache_folder()
    system, store = _host(reporter), WhalesImageStore(processes)
    return MachineBox(
        reporter=reporter,
        clock=SystemClock(),
        host=system,
        images=store,
        assembler=StandInAssembler(processes, system, store, cache=folder),
        installer=SystemInstaller(processes, system, identity, cache=folder),
        machine=SystemMachine(processes, system, identity),
    )


def must_have_ui() -> None:
    """Raise MachineError with the command that installs the extra, where it is not installed."""
    from devctl.adapters.doctor.extras import has_modules, install_command
    from devctl.errors import MachineError

    if not has_modules(["textual", "textual_serve"]):
        raise MachineError(
            "devctl ui needs Textual, which is not installed",
            code="ui-not-installed",
            hint=install_command("ui"),
        )


def serve_page(words: Sequence[str], title: str, port: int, ready: Callable[[str], None]) -> None:
    from devctl.adapters.web import page_server

    page_server.serve_page(words, title, port, ready)


def wants_color(choice: str, stream: TextIO) -> bool:
    """`always` and `never` are taken literally; `auto` means a terminal and no NO_COLOR."""
    return choice == "always" or (choice == "auto" and stream.isatty() and not host.no_color())


def links(stream: TextIO, project: Path | None) -> Links | None:
    """None if nobody could open one: in a pipe, or on a terminal that does not support them."""
    if not stream.isatty() or not host.opens_links():
        return None
    from devctl.ui.links import Links
    from devctl.workflows.project.find import root_of

    root = cache(lambda: root_of(SystemFiles(), SystemHost(), project))

    def address(file: str, line: int, column: int) -> str | None:
        folder = root()
        return None if folder is None else host.file_address(folder / file, line, column)

    return Links(address)


def wants_screen() -> bool:
    """A line is drawn below what both streams print: it has to be the same terminal for both."""
    return sys.stdout.isatty() and sys.stderr.isatty() and host.moves_its_cursor()


def shows_utf8() -> bool:
    return host.shows_utf8()


def save_report(text: str) -> Path:
    """Bug reports go to the user's state folder, not into the project."""
    return host.write_state_file("report.md", text)


def platform_text() -> str:
    return host.platform_text()


def tools_text() -> tuple[str, ...]:
    """The versions of what devctl works with, one per line; limited to seconds, since an engine may hang."""
    from concurrent.futures import ThreadPoolExecutor

    asked = {
        "docker": ("docker", "version", "--format", "{{.Client.Version}}"),
        "engine": ("docker", "version", "--format", "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}"),
        "compose": ("docker", "compose", "version", "--short"),
        "buildx": ("docker", "buildx", "version"),
    }
    processes = SystemProcesses()
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        answers = pool.map(lambda argv: processes.run(argv, timeout=TOOL_ANSWERS_WITHIN), asked.values())
        said = (
            (answer.output.strip().splitlines() or [f"exit code {answer.code}"])[-1] for answer in answers
        )
        return tuple(f"{name}: {line}" for name, line in zip(asked, said, strict=True))


def leave_removed_folder(project: Path | None) -> None:
    host.leave_removed_folder(project)


def search_only_absolute_paths() -> None:
    host.search_only_absolute_paths()


def discard_stdout() -> None:
    host.discard_stdout()
