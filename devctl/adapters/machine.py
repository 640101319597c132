"""Facts of this machine for the checks of `doctor`, gathered at once from docker, compose and the kernel."""

from __future__ import annotations

import contextlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devctl.domain.checks import MachineFacts
from devctl.domain.ports import Host, Processes

ANSWER_WITHIN = 3
INOTIFY = Path("/proc/sys/fs/inotify")


def cache_folder(host: Host) -> Path:
    """Where downloads for this user are kept between runs, outside every project."""
    return Path(host.env("XDG_CACHE_HOME") or Path.home() / ".cache") / "devctl"


class SystemMachine:
    """`Machine` by the docker CLI, the SDK (is it the same engine?) and /proc."""

    def __init__(self, processes: Processes, host: Host) -> None:
        self._processes = processes
        self._host = host

    def facts(self) -> MachineFacts:
        with ThreadPoolExecutor(max_workers=6) as pool:
            engine = pool.submit(self._engine)
            cli = pool.submit(self._said, "docker", "version", "--format", "{{.Client.Version}}")
            endpoint = pool.submit(self._cli_endpoint)
            compose = pool.submit(self._said, "docker", "compose", "version", "--short")
            buildx = pool.submit(self._said, "docker", "buildx", "version")
            info = pool.submit(self._said, "docker", "info", "--format", "{{.ID}}\t{{.DockerRootDir}}")
            sdk = pool.submit(_sdk_engine_id)
            server = engine.result()
            engine_id, _, folder = (info.result() or "").partition("\t")
            return MachineFacts(
                docker_cli=self._client(cli.result()),
                engine=server[0],
                engine_error=server[1],
                podman=server[2],
                buildkit_off=self._host.env("DOCKER_BUILDKIT") == "0",
                cli_endpoint=endpoint.result(),
                cli_engine_id=engine_id,
                sdk_engine_id=sdk.result(),
                compose=compose.result(),
                buildx=_buildx(buildx.result()),
                disk_free_bytes=_free(folder) if (endpoint.result() or "").startswith("unix://") else None,
                inotify_watches=_number(INOTIFY / "max_user_watches"),
                inotify_instances=_number(INOTIFY / "max_user_instances"),
            )

    def available(self, ref: str) -> bool:
        """The engine asks, not we: it may have another network, proxy or mirror than this process."""
        import docker
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            with contextlib.closing(docker.from_env(timeout=ANSWER_WITHIN)) as client:
                client.images.get_registry_data(ref)
        except (DockerException, RequestException):
            return False
        return True

    def _engine(self) -> tuple[str | None, str, bool]:
        done = self._processes.run(["docker", "version", "--format", "{{json .Server}}"], timeout=10)
        if done.code != 0:
            return None, done.stderr, False
        server = json.loads(done.stdout) or {}
        names = [part.get("Name") for part in server.get("Components") or ()]
        return server.get("Version"), "", "Podman Engine" in names

    def _client(self, said: str | None) -> str | None:
        # Without an engine `docker version` fails though the client is there; this one needs no engine.
        if said is not None:
            return said
        plain = self._said("docker", "--version")
        return plain.removeprefix("Docker version ").partition(",")[0] if plain else None

    def _cli_endpoint(self) -> str:
        named = self._host.env("DOCKER_HOST")
        return (
            named
            or self._said("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
            or ""
        )

    def _said(self, *argv: str) -> str | None:
        done = self._processes.run(argv, timeout=10)
        return done.stdout.strip() if done.code == 0 and done.stdout.strip() else None


def _sdk_engine_id() -> str:
    """Of the engine that the SDK finds by itself; empty where it finds none."""
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        with contextlib.closing(docker.from_env(timeout=ANSWER_WITHIN)) as client:
            return str(client.info().get("ID", ""))
    except (DockerException, RequestException):
        return ""


def _free(folder: str) -> int | None:
    return shutil.disk_usage(folder).free if folder and Path(folder).is_dir() else None


def _buildx(said: str | None) -> str | None:
    """`github.com/docker/buildx v0.29.1 abc` → v0.29.1; a build without a version counts as the newest."""
    words = (said or "").split()
    return next((word for word in words if word.lstrip("v")[:1].isdecimal() and "." in word), None)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
