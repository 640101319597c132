"""`Images` through the docker SDK: a built image as facts. A container is created to read from and removed, never started."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from devctl.adapters.docker.layers import layers_of
from devctl.adapters.docker.tar_stream import drain, tar_of
from devctl.adapters.system.border import bordered
from devctl.adapters.system.identity import HomeIdentity
from devctl.domain.image.elf import HEAD, read_elf
from devctl.domain.image.facts import Binary, ImageFacts
from devctl.domain.image.paths import (
    candidates,
    command,
    interpreter,
    program,
    resolve,
    started_by,
    with_aliases,
)
from devctl.domain.numbers import whole
from devctl.domain.plan.engine_state import PROJECT_LABEL
from devctl.errors import MachineError, ProjectError

if TYPE_CHECKING:
    from docker.client import DockerClient

    from devctl.domain.ports.identity import Identity

# What the engine itself puts into every container it creates.
_ENGINES_OWN = ("/.dockerenv", "/dev/", "/proc/", "/sys/")
_STREAMED = 2 * 1024 * 1024
SCRIPT = 64 * 1024
"""Bytes read of an entry script."""
LARGEST = 1_000_000_000
"""Bytes of an image's file that are read in full; an image can contain files of any size."""


class _Tree(Struct):
    """The content of an export: every path, where links lead, and the program when it came by."""

    files: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    heads: dict[str, tuple[tarfile.TarInfo, bytes]] = field(default_factory=dict)


@bordered()
class SdkImages:
    """Follows the docker context and DOCKER_HOST like the CLI. Every call has its own client, closed afterwards."""

    def __init__(self, identity: Identity | None = None) -> None:
        self._identity = identity or HomeIdentity()

    def read(
        self, ref: str, *, files: bool = False, start: tuple[Sequence[str], Sequence[str]] = ((), ())
    ) -> ImageFacts:
        with _engine(ref) as client:
            api: Any = client.api  # its stubs leave these two untyped
            raw, history = api.inspect_image(ref), api.history(ref)
            layers = layers_of(client, ref, history=history)
            config = raw.get("Config") or {}
            entrypoint, cmd = _words(config.get("Entrypoint")), _words(config.get("Cmd"))
            workdir, env = config.get("WorkingDir") or "/", tuple(config.get("Env") or ())
            begun = start[0] or entrypoint, start[1] or (() if start[0] else cmd)
            wanted = candidates(program(*begun), workdir=workdir, env=env)
            tree = _Tree()
            binary = behind = None
            if files or wanted:
                with self._container(client, ref, config) as container:
                    if files:
                        tree = _export(client, container, frozenset(wanted))
                    binary = _find(client, container, wanted, tree)
                    if binary is not None and not binary.elf:
                        words = command(*begun)
                        behind = _behind(client, container, binary, words, workdir=workdir, env=env)
            return ImageFacts(
                ref=ref,
                id=raw["Id"],
                size_bytes=sum(layer.size_bytes for layer in layers),
                layers=layers,
                entrypoint=entrypoint,
                cmd=cmd,
                user=config.get("User") or "",
                workdir=workdir,
                architecture=raw.get("Architecture") or "",
                env=env,
                healthcheck=_words((config.get("Healthcheck") or {}).get("Test")),
                exposed=_exposed(config.get("ExposedPorts") or ()),
                labels=dict(config.get("Labels") or {}),
                binary=binary,
                behind=behind,
                files=with_aliases(tree.files, tree.links),
                history=tuple(line["CreatedBy"] for line in history),
            )

    def binary(self, ref: str, path: str) -> bytes:
        """The content of one file in the image. Raises ProjectError `file-missing` if there is none."""
        with _engine(ref) as client:
            api: Any = client.api
            with self._container(client, ref, api.inspect_image(ref).get("Config") or {}) as container:
                found = _archive(client, container, path, limit=None)
        if found is not None and found[0].size > LARGEST:
            raise ProjectError(
                f"{path} in {ref} is larger than {LARGEST / 1_000_000:g} MB, too large for devctl to read",
                code="file-too-large",
                hint=f"docker run --rm --entrypoint ls {shlex.quote(ref)} -l {shlex.quote(path)} shows what it is",
            )
        if found is None:
            raise ProjectError(
                f"{path} is not in {ref}",
                code="file-missing",
                hint="COPY it in the Dockerfile, under that path",
            )
        return found[1]

    @contextmanager
    def _container(self, client: DockerClient, ref: str, config: dict[str, Any]) -> Iterator[str]:
        """A container to read files from. It must not look like one of the project's services to compose or to devctl:

        compose labels the images it builds, and a container inherits its image's labels.
        """
        inherited = dict(config.get("Labels") or {})
        labels = {name: "" for name in inherited if name.startswith("com.docker.compose.")}
        labels[PROJECT_LABEL] = inherited.get(PROJECT_LABEL) or "devctl"
        labels |= self._identity.temporary()
        made = client.api.create_container(ref, command=["devctl-reads-only"], labels=labels)
        container = str(made["Id"])
        try:
            yield container
        finally:
            client.api.remove_container(container, force=True, v=True)


@contextmanager
def _engine(ref: str) -> Iterator[DockerClient]:
    import docker
    import requests
    from docker.errors import APIError, DockerException, ImageNotFound

    try:
        with closing(docker.from_env()) as client:
            yield client
    except ImageNotFound as error:
        raise ProjectError(
            f"there is no image {ref}", code="image-missing", hint="build it: devctl prod-preview"
        ) from error
    except APIError as error:
        raise MachineError(
            f"the engine refused to read {ref}: {error.explanation or error}",
            code="engine-refused",
            hint="devctl doctor",
        ) from error
    except (DockerException, requests.exceptions.RequestException) as error:
        raise MachineError(
            "the engine does not answer",
            code="engine-unreachable",
            hint="devctl doctor --fix",
            detail=str(error),
        ) from error


def _find(client: DockerClient, container: str, wanted: Iterable[str], tree: _Tree) -> Binary | None:
    for path in wanted:
        real = resolve(path, tree.links)
        found = tree.heads.get(real) or _archive(client, container, real, limit=HEAD)
        if found is not None:
            info, head = found
            elf = read_elf(head)
            return Binary(
                path=path,
                size_bytes=info.size,
                mode=info.mode & 0o7777,
                elf=elf is not None,
                interpreter=elf.interpreter if elf else interpreter(head),
                machine=elf.machine if elf else "",
            )
    return None


def _behind(
    client: DockerClient,
    container: str,
    script: Binary,
    words: Sequence[str],
    *,
    workdir: str,
    env: tuple[str, ...],
) -> Binary | None:
    """The largest of the programs that an entry script may start: a shell and a `su-exec` are among them."""
    text = _archive(client, container, script.path, limit=SCRIPT)
    found = []
    for name in started_by(text[1] if text is not None else b"", words):
        binary = _find(client, container, candidates(name, workdir=workdir, env=env), _Tree())
        if binary is not None and binary.elf:
            found.append(binary)
    return max(found, key=lambda it: it.size_bytes, default=None)


def _export(client: DockerClient, container: str, wanted: frozenset[str]) -> _Tree:
    tree = _Tree()
    with tar_of(client.api.export(container, chunk_size=_STREAMED)) as archive:
        for entry in archive:
            path = "/" + entry.name.removeprefix("./").strip("/")
            if path.startswith(_ENGINES_OWN) or path == "/":
                continue
            tree.files.add(path)
            if entry.issym():
                tree.links[path] = entry.linkname
            elif path in wanted and entry.isfile():
                tree.heads[path] = (entry, _content(archive, entry, HEAD))
    return tree


def _archive(
    client: DockerClient, container: str, path: str, *, limit: int | None, links: int = 10
) -> tuple[tarfile.TarInfo, bytes] | None:
    """A regular file in a container, with links followed; None if there is none."""
    from docker.errors import NotFound

    try:
        stream, stat = client.api.get_archive(container, path, chunk_size=_STREAMED)
    except NotFound:
        return None
    target = stat.get("linkTarget")
    if target and links:  # the engine resolves it within the image
        drain(stream)
        return _archive(client, container, str(target), limit=limit, links=links - 1)
    with tar_of(stream) as archive:
        entry = archive.next()
        if entry is None or not entry.isfile():
            return None
        return entry, _content(archive, entry, limit)


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo, limit: int | None) -> bytes:
    content = archive.extractfile(entry) if limit is not None or entry.size <= LARGEST else None
    return content.read(limit if limit is not None else entry.size) if content is not None else b""


def _words(value: object) -> tuple[str, ...]:
    """Entrypoint and Cmd are lists, or a single string in images made by old builders."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(word) for word in value) if isinstance(value, list) else ()


def _exposed(ports: Iterable[str]) -> tuple[int, ...]:
    """An image from elsewhere may contain anything there."""
    return tuple(sorted(number for port in ports if (number := whole(port.partition("/")[0])) is not None))
