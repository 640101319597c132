"""Keep a project's network awake while its only container is replaced.

With its last container a bridge loses its carrier; Linux then forgets the neighbours and takes up to a second to deliver
again. Measured: the first answer after a recreate comes 0.8 s later than the container's start, 0.03 s with a second
container on the network.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from devctl.domain.observed import COMPOSE_PROJECT_LABEL, COMPOSE_SERVICE_LABEL, PROJECT_LABEL, Observed
from devctl.domain.ports import Toolbox
from devctl.domain.project import Project
from devctl.domain.runs import image_ref
from devctl.errors import MachineError

AT_MOST = "600"
"""Seconds after which the holder ends by itself, should we be killed before we end it."""


@contextlib.contextmanager
def network_awake(box: Toolbox, project: Project, *, observed: Observed) -> Iterator[Callable[[], None]]:
    """Best effort: it takes a dev image, which has a `sleep`; without one the switch only takes longer.

    What is yielded says that it may sleep again: the holder then goes beside whatever comes next.
    """
    running = [c for c in observed.containers if c.state == "running"]
    networks = list(observed.networks)
    image = image_ref(project.name, running[0].service, "dev") if len(running) == 1 else ""
    if not image or not networks:
        yield lambda: None
        return
    ending = threading.Thread(target=_hold(box, project, network=networks[0], image=image))
    try:
        yield ending.start
    finally:
        if ending.ident is None:
            ending.start()
        ending.join()


def _hold(box: Toolbox, project: Project, *, network: str, image: str) -> Callable[[], None]:
    """Put the holder on the network, beside whatever comes next: a switch builds its image meanwhile. Returns what ends it."""
    name = f"{project.name}-network-holder"
    argv = ["docker", "run", "--detach", "--rm", "--name", name, "--network", network, *not_composes()]
    argv += ["--label", f"{PROJECT_LABEL}={project.name}", "--entrypoint", "sleep", image, AT_MOST]
    started = threading.Event()

    def start() -> None:
        with contextlib.suppress(MachineError):
            if box.engine.images([image]):  # `run` would look for it in a registry
                started.set()
                box.processes.run(argv)

    def end() -> None:
        starting.join()
        if started.is_set():
            box.processes.run(["docker", "rm", "--force", name])

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    return end


def not_composes() -> list[str]:
    """Flags for a `docker run` of an image that compose built: it would inherit compose's labels and pass for a service."""
    return ["--label", f"{COMPOSE_PROJECT_LABEL}=", "--label", f"{COMPOSE_SERVICE_LABEL}="]
