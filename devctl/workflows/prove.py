"""Prove that the mounted source compiles with the dependencies that its manifests name now; what serves is not touched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from devctl.domain.air import BUILD_STATE
from devctl.domain.observed import PROJECT_LABEL, Container
from devctl.domain.ports import Finished, Toolbox
from devctl.domain.project import Service
from devctl.domain.render import CACHE_TARGET, SOURCE_TARGET
from devctl.workflows.bridge import not_composes
from devctl.workflows.compiled import does_not_compile
from devctl.workflows.session import Session

TIMEOUT = 900.0
BUILD = """
set -e
umask 0
kept=/cache/bin/$({ grep '^module' go.mod; echo "$1"; } | tr -dc a-zA-Z0-9)
trap 'rm -f "$kept.$$"' EXIT
mkdir -p /cache/bin
GOGC=400 go build -buildvcs=false -tags "$2" -ldflags "-w ${DEVCTL_LDFLAGS:-}" -o "$kept.$$" "$1"
mv -f "$kept.$$" "$kept"
"""
"""As the build of our .air.toml, to where it looks for a binary first: the new container need not link it again."""
AGAIN = f"""
case "$(cat {BUILD_STATE} 2>/dev/null)" in failed*) cp {BUILD_STATE} /dev/shm/now.air-build || true;; esac
"""
"""A save that did not compile by the go.mod of then: air does not watch go.mod, so it has to be asked.

The rule of our .air.toml reacts to this file; a dev stage without that rule does not notice.
"""


def provable(session: Session, service: Service) -> bool:
    """Not a dev stage of the user's: we do not know how it builds."""
    return session.run(service.name).ours or service.shares_cache


def prove_beside(box: Toolbox, session: Session, service: Service, running: Container) -> Callable[[], None]:
    """Start to compile inside the running container, beside the build of the image; call what is returned for the result.

    The manifests are mounted there too, so Go takes what they name now; what it fetches and compiles goes to the module
    folder of that container and to the shared cache, where the next container finds it compiled and linked. Only where the
    base stays the same: its Go is the one that proves.
    """
    done: list[Finished] = []
    # Code that waited for its dependency is served while the image is built.
    script = _build(service, BUILD + AGAIN)
    argv = ["docker", "exec", "--workdir", _folder(service), running.id, "sh", *script]

    def run() -> None:
        done.append(box.processes.run(argv, cwd=session.root, timeout=TIMEOUT))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result() -> None:
        thread.join()
        _check(done[0] if done else Finished(1, "", "the proof was cut short"), service)

    return result


def prove_on_image(box: Toolbox, session: Session, service: Service) -> None:
    """Compile on the new image, in a container of its own."""
    run = session.run(service.name)
    argv = ["docker", "run", "--rm", *not_composes(), "--label", f"{PROJECT_LABEL}={session.project.name}"]
    argv += [
        "--volume",
        f"{session.project.root}:{SOURCE_TARGET}",
        "--volume",
        f"{session.cache_volume}:{CACHE_TARGET}",
    ]
    argv += ["--user", run.user] if run.user else []
    argv += [f"--env={key}={value}" for key, value in service.build_env.items()]
    argv += ["--workdir", _folder(service), "--entrypoint", "sh", run.image, *_build(service)]
    _check(box.processes.run(argv, cwd=Path(session.project.root)), service)


def build_again(box: Toolbox, container: Container | None) -> None:
    """Where the last save did not compile: the container builds once more."""
    if container is not None:
        box.processes.run(["docker", "exec", container.id, "sh", "-c", AGAIN])


def _folder(service: Service) -> str:
    return SOURCE_TARGET if service.dir == "." else f"{SOURCE_TARGET}/{service.dir}"


def _build(service: Service, script: str = BUILD) -> list[str]:
    return ["-c", script, "devctl", service.main, ",".join(service.build_tags)]


def _check(done: Finished, service: Service) -> None:
    if done.code != 0:
        raise does_not_compile(
            service,
            done.output.strip(),
            where=" on its new image",
            hint="mend the code or go.mod and save; the old container runs on until then",
        )
