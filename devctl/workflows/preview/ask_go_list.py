"""Runs `go list` in the running dev container, which has Go and the modules, while the production image is built."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping

from devctl.domain.command.argv import docker
from devctl.domain.go.golist import FIELDS, Listing, compare, embedded_files, parse, with_words, written_in_c
from devctl.domain.plan.engine_state import MODE_LABEL, Container, Observed
from devctl.domain.ports.toolbox import Processes
from devctl.domain.project.model import Project, Service

TIMEOUT = 20.0
"""Seconds for one query: it takes a fraction of one, and if it takes longer the preview continues without."""


def list_beside(
    processes: Processes, project: Project, *, observed: Observed, services: Iterable[str]
) -> Callable[[], Mapping[str, Listing]]:
    """Start the queries; the returned function waits for the answers. If no dev container runs, or its Go cannot answer: none."""
    found: dict[str, Listing] = {}
    asked = [
        (service, container)
        for service in project.services
        if service.name in set(services) and (container := asks(project, observed, service.name)) is not None
    ]

    def run() -> None:
        for service, container in asked:
            with contextlib.suppress(ValueError):  # not an answer that devctl understands
                listing = _ask(processes, service, container)
                if listing is not None:
                    found[service.name] = listing

    thread = threading.Thread(target=run, daemon=True)
    if asked:
        thread.start()

    def answers() -> Mapping[str, Listing]:
        if asked:
            thread.join()
        return found

    return answers


def asks(project: Project, observed: Observed, service: str) -> Container | None:
    """The container to query: it runs in dev, on the source as it is on disk."""
    found = observed.of(service)
    if found is None or found.state != "running" or found.labels.get(MODE_LABEL) != "dev":
        return None
    return found if str(project.root) in found.bind_sources else None


def _ask(processes: Processes, service: Service, container: Container) -> Listing | None:
    with_c = _list(processes, service, container, cgo="1")
    if with_c is None:
        return None
    packages = parse(with_c)
    listing = Listing(embedded=embedded_files(packages, module_dir=service.source.dir))
    in_c = written_in_c(packages)
    if not in_c:
        return listing
    plain = _list(processes, service, container, cgo="0")
    if plain is None:
        return Listing(in_c, None, listing.embedded)
    found = compare(packages, parse(plain), module_dir=service.source.dir)
    files = [f"{f.folder}/{name}" for f in found for name in f.instead]
    if files:
        argv = docker("exec", to=[container.id, "grep", "-n", "-i", "-e", "cgo", "--", "/dev/null", *files])
        found = with_words(found, processes.run(argv, timeout=TIMEOUT).stdout)
    return Listing(in_c, found, listing.embedded)


def _list(processes: Processes, service: Service, container: Container, *, cgo: str) -> str | None:
    """Nothing is downloaded for it: what is not there yet is not reported."""
    where = (
        ["--workdir", service.module_mounted_at]
        if service.build.shares_cache or service.build.dev_stage is None
        else []
    )
    env = ["--env", f"CGO_ENABLED={cgo}", "--env", "GOPROXY=off"]
    ask = [
        "go",
        "list",
        "-deps",
        f"-json={FIELDS}",
        f"-tags={','.join(service.build.tags)}",
        "--",
        service.source.main,
    ]
    done = processes.run(docker("exec", *where, *env, to=[container.id, *ask]), timeout=TIMEOUT)
    return done.stdout if done.code == 0 else None
