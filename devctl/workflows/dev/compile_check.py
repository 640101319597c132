"""Prove that the mounted source compiles with the dependencies that its manifests now name; what serves is not touched."""

from __future__ import annotations

import threading
from collections.abc import Callable

from devctl.domain.command.argv import docker, mount
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.render import CACHE_TARGET
from devctl.domain.ports.toolbox import Finished, Processes, Toolbox
from devctl.domain.project.air_toml import words_of
from devctl.domain.project.container_files import BUILD_STATE
from devctl.domain.project.model import Service
from devctl.errors import ProjectError
from devctl.workflows.engine.compile_error import does_not_compile
from devctl.workflows.engine.execute import TIMED_OUT
from devctl.workflows.engine.network_holder import temporary
from devctl.workflows.ready.wait import COMPILE_TIMEOUT
from devctl.workflows.session.session import Session

AHEAD = 3.0
"""Seconds that the compiler has the cores for itself: a person waits for what it builds, and nobody for the image."""
SAID = 1_000_000
"""Bytes kept from the end of a compiler's output."""
BUILD = """
set -e
umask 0
tags=$1 ldflags=$2
shift 2
for package do :; done
kept=/cache/bin/${DEVCTL_DEBUG:+debug-}$({ grep '^module' go.mod; echo "$package"; } | tr -dc a-zA-Z0-9)
[ -z "${DEVCTL_DEBUG:-}" ] || PATH=$DEVCTL_DEBUG:$PATH
mkdir -p /cache/bin
new=$(mktemp -d /cache/bin/new.XXXXXX)  # the cache is shared: another container may have our process number
trap 'rm -rf "$new"' EXIT
read -r up _ </proc/uptime; echo "${up%.*}${up#*.}0" >"$new/program.began"
GOGC=400 go build -buildvcs=false -tags "$tags" -ldflags "-w $ldflags" -o "$new/program" -- "$@"
cp "$new/program" "$new/kept" && mv -f "$new/kept" "$kept"
"""
"""Like devctl-build, to the place where it first looks for a binary: the new container need not link it again."""
ONCE_MORE = """
cd /tmp/air && : >again || exit 1
n=0; while [ -e again ] && [ $((n += 1)) -lt 100 ]; do kill -USR1 "$(cat run)" || break; sleep 0.05; done
[ ! -e again ]
"""
AGAIN = f"""
case "$(cat {BUILD_STATE} 2>/dev/null)" in failed*) {ONCE_MORE};; esac || :
"""
"""A save that did not compile with the go.mod of that time: air does not watch go.mod, so devctl-run must learn of it."""
SERVE = """
if grep -qe --built "$(command -v devctl-build)" && [ -s /tmp/air/command ]; then
  (cd "${DEVCTL_SOURCE:-.}" && xargs -0 devctl-build --built "$new/program" </tmp/air/command) || :
fi
"""
"""The running container serves what was built for the new go.mod at once, while the image is still being built. The scripts of an
earlier devctl, in the Dockerfile of an older project, cannot do that."""


def provable(session: Session, service: Service) -> bool:
    """Not a dev stage of the user's: it is unknown how it builds."""
    return session.run(service.name).ours or service.build.shares_cache


def debugging_begins(session: Session, service: Service) -> bool:
    """Then everything is compiled again without optimisation: the first time for minutes, during which the old one serves."""
    if session.run(service.name).debugging is None:
        return False
    before = session.observed.of(service.name)
    return before is None or before.debugging is None


def prove_beside(
    processes: Processes, session: Session, service: Service, running: Container
) -> Callable[[], None]:
    """Start to compile inside the running container, ahead of the build of the image and then in parallel with it; call the
    returned function for the result.

    The manifests are mounted there too, so Go uses what they name now; what it downloads and compiles goes to that container's
    module folder and to the shared cache, where the next container finds it compiled and linked. Only if the base stays the
    same: its Go is the one that proves.
    """
    done: list[Finished] = []
    script = _build(service, BUILD + SERVE + AGAIN)
    argv = docker("exec", "--workdir", service.module_mounted_at, to=[running.id, "sh", *script])

    def run() -> None:
        done.append(processes.run(argv, cwd=session.root, timeout=COMPILE_TIMEOUT, last=SAID))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(AHEAD)

    def result() -> None:
        thread.join()
        _check(done[0] if done else Finished(1, "", "the compile check was interrupted"), service)

    return result


def prove_on_image(box: Toolbox, session: Session, service: Service) -> None:
    """Compile on the new image, in a separate container."""
    run = session.run(service.name)
    # It may have to be stopped: `--init` passes a signal on, and if that does not help it is removed by name.
    name = f"{session.project.name}-proof-{box.host.pid()}"
    flags = ["--rm", "--init", "--name", name, *temporary(box.identity, session.project.name)]
    flags += [mount("bind", str(session.root), service.mounted_at)]
    flags += [mount("volume", session.project.cache_volume, CACHE_TARGET)]
    flags += ["--user", run.user] if run.user else []
    flags += [f"--env={key}={value}" for key, value in service.build.env.items()]
    flags += [f"--env=DEVCTL_DEBUG={run.debugger}"] if run.debugging is not None else []
    flags += ["--workdir", service.module_mounted_at, "--entrypoint", "sh"]
    argv = docker("run", *flags, to=[run.image, *_build(service)])
    ended = False
    try:
        done = box.processes.run(argv, cwd=session.root, timeout=COMPILE_TIMEOUT, last=SAID)
        ended = done.code != TIMED_OUT
    finally:
        if not ended:
            box.processes.run(docker("rm", "--force", to=[name]))
    _check(done, service, begins=debugging_begins(session, service))


def build_again(processes: Processes, container: Container | None) -> None:
    """After a save that did not compile: the container builds once more."""
    if container is not None:
        processes.run(docker("exec", to=[container.id, "sh", "-c", AGAIN]))


def run_again(processes: Processes, container: Container | None) -> bool:
    """Build and start once more a program that exited, in a container whose reloader is ours; whether that has begun."""
    if container is None or container.state != "running" or not container.log_mark:
        return False
    return processes.run(docker("exec", to=[container.id, "sh", "-c", ONCE_MORE])).code == 0


def lacks_module(processes: Processes, container: Container, service: Service) -> bool:
    """Whether a dev stage of devctl's runs without the module where the source is mounted. Where a stage of the user's has it
    is not known."""
    if container.state != "running" or not (service.build.shares_cache or service.build.dev_stage is None):
        return False
    go_mod = f"{service.module_mounted_at}/go.mod"
    return processes.run(docker("exec", to=[container.id, "test", "-e", go_mod])).code == 1


def _build(service: Service, script: str = BUILD) -> list[str]:
    build = service.build
    words = words_of(service.source.main, build.go_files)
    return ["-c", script, "devctl", ",".join(build.tags), build.ldflags, *words]


def _check(done: Finished, service: Service, *, begins: bool = False) -> None:
    """`begins`: for a debugger, which no later save starts."""
    if done.code == TIMED_OUT:
        raise ProjectError(
            f"{service.name} did not compile on its new image within {COMPILE_TIMEOUT:g} s",
            code="build-timeout",
            hint=f"devctl debug {service.name} tries again; until then, it keeps running without a debugger"
            if begins
            else "the next save tries again; until then, the old container keeps running",
            detail=done.output.strip(),
        )
    if done.code != 0:
        raise does_not_compile(
            service,
            done.output.strip(),
            where="" if begins else " on its new image",
            hint=f"fix the code, then run devctl debug {service.name} again; until then, it keeps running without a debugger"
            if begins
            else "fix the code or go.mod and save; until then, the old container keeps running",
        )
