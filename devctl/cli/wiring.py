"""The only place that joins adapters to ports."""

from __future__ import annotations

from devctl.adapters.compose import ComposeCli
from devctl.adapters.engine import EngineCli
from devctl.adapters.files import SystemFiles
from devctl.adapters.host import SystemClock, SystemHost
from devctl.adapters.image_reader import SdkImages
from devctl.adapters.process import SystemProcesses
from devctl.adapters.prober import SocketProber
from devctl.adapters.sources import ProjectSources
from devctl.adapters.templates import ShippedTemplates
from devctl.adapters.watcher import FolderWatcher
from devctl.domain.events import LogLine
from devctl.domain.ports import Reporter, Toolbox


def toolbox(reporter: Reporter) -> Toolbox:
    """The real ports. Each adapter imports its library where it uses it, so this costs no start-up time."""
    processes = SystemProcesses()
    return Toolbox(
        reporter=reporter,
        processes=processes,
        files=SystemFiles(),
        sources=ProjectSources(),
        compose=ComposeCli(processes, lambda line: reporter.emit(LogLine("build", "build", line))),
        engine=EngineCli(processes),
        images=SdkImages(),
        prober=SocketProber(),
        clock=SystemClock(),
        host=SystemHost(),
        watcher=FolderWatcher(),
        templates=ShippedTemplates(),
    )
