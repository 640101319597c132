"""`Images` by the docker SDK: a built image as facts. A container is created for reading and removed, never started."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from devctl.domain.elf import read_elf
from devctl.domain.image import Binary, ImageFacts, Layer
from devctl.domain.image_paths import candidates, program, resolve, with_aliases
from devctl.domain.observed import PROJECT_LABEL
from devctl.errors import MachineError, ProjectError

if TYPE_CHECKING:
    from docker.client import DockerClient

HEAD = 64 * 1024
"""Enough of a program for its ELF header and the name of its interpreter."""
# What the engine itself puts into every container that it creates.
_ENGINES_OWN = ("/.dockerenv", "/dev/", "/proc/", "/sys/")
_STREAMED = 2 * 1024 * 1024


@dataclass(slots=True)
class _Tree:
    """What an export holds: every path, where links lead, and the program once it went by."""

    files: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    heads: dict[str, tuple[tarfile.TarInfo, bytes]] = field(default_factory=dict)


class SdkImages:
    """Follows the docker context and DOCKER_HOST like the CLI. Every call has a client of its own, closed after it."""

    def read(self, ref: str, *, files: bool = False) -> ImageFacts:
        """Raises ProjectError `image-missing`. `files` lists every path of the image too (slower)."""
        with _engine(ref) as client:
            api: Any = client.api  # its stubs leave these two untyped
            raw, history = api.inspect_image(ref), api.history(ref)
            config = raw.get("Config") or {}
            entrypoint, cmd = _words(config.get("Entrypoint")), _words(config.get("Cmd"))
            workdir, env = config.get("WorkingDir") or "/", tuple(config.get("Env") or ())
            wanted = candidates(program(entrypoint, cmd), workdir=workdir, env=env)
            tree = _Tree()
            binary = None
            if files or wanted:
                with _container(client, ref, config) as container:
                    if files:
                        tree = _export(client, container, frozenset(wanted))
                    binary = _find(client, container, wanted, tree)
            return ImageFacts(
                ref=ref,
                id=raw["Id"],
                size_bytes=sum(int(line["Size"]) for line in history),
                layers=tuple(Layer(line["CreatedBy"], int(line["Size"])) for line in history if line["Size"]),
                layer_digests=tuple((raw.get("RootFS") or {}).get("Layers") or ()),
                entrypoint=entrypoint,
                cmd=cmd,
                user=config.get("User") or "",
                workdir=workdir,
                architecture=raw.get("Architecture") or "",
                env=env,
                healthcheck=_words((config.get("Healthcheck") or {}).get("Test")),
                exposed=tuple(sorted(int(port.split("/")[0]) for port in config.get("ExposedPorts") or ())),
                labels=dict(config.get("Labels") or {}),
                binary=binary,
                files=with_aliases(tree.files, tree.links),
                history=tuple(line["CreatedBy"] for line in history),
            )

    def binary(self, ref: str, path: str) -> bytes:
        """The content of one file of the image. Raises ProjectError `file-missing` where there is none."""
        with _engine(ref) as client:
            api: Any = client.api
            with _container(client, ref, api.inspect_image(ref).get("Config") or {}) as container:
                found = _archive(client, container, path, limit=None)
        if found is None:
            raise ProjectError(
                f"{path} is not in {ref}",
                code="file-missing",
                hint="COPY it in the Dockerfile, under that path",
            )
        return found[1]


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


@contextmanager
def _container(client: DockerClient, ref: str, config: dict[str, Any]) -> Iterator[str]:
    """A container to read files from. It must not look like one of the project's services to compose or to us:

    compose labels the images it builds, and a container inherits its image's labels.
    """
    inherited = dict(config.get("Labels") or {})
    labels = {name: "" for name in inherited if name.startswith("com.docker.compose.")}
    labels[PROJECT_LABEL] = inherited.get(PROJECT_LABEL) or "devctl"
    made = client.api.create_container(ref, command=["devctl-reads-only"], labels=labels)
    container = str(made["Id"])
    try:
        yield container
    finally:
        client.api.remove_container(container, force=True, v=True)


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
                interpreter=elf.interpreter if elf else "",
                machine=elf.machine if elf else "",
            )
    return None


def _export(client: DockerClient, container: str, wanted: frozenset[str]) -> _Tree:
    tree = _Tree()
    with _tar(client.api.export(container, chunk_size=_STREAMED)) as archive:
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
    """One regular file of a container, links followed; None where there is none."""
    from docker.errors import NotFound

    try:
        stream, stat = client.api.get_archive(container, path, chunk_size=_STREAMED)
    except NotFound:
        return None
    target = stat.get("linkTarget")
    if target and links:  # the engine resolves it within the image
        _drain(stream)
        return _archive(client, container, str(target), limit=limit, links=links - 1)
    with _tar(stream) as archive:
        entry = archive.next()
        if entry is None or not entry.isfile():
            return None
        return entry, _content(archive, entry, limit)


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo, limit: int | None) -> bytes:
    content = archive.extractfile(entry)
    return content.read(limit if limit is not None else entry.size) if content is not None else b""


@contextmanager
def _tar(chunks: Iterable[bytes]) -> Iterator[tarfile.TarFile]:
    """A tar read as it arrives."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Chunks(chunks)), mode="r|") as archive:
            yield archive
    finally:
        _drain(chunks)


def _drain(chunks: Iterable[bytes]) -> None:
    """Read to the end: only then does the SDK give the connection back, and nothing is left open."""
    for _ in chunks:
        pass


class _Chunks:
    """An iterator of bytes as a file that can be read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (chunk := next(self._chunks, None)) is not None:
            self._left += chunk
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken


def _words(value: object) -> tuple[str, ...]:
    """Entrypoint and Cmd are lists, and a single string in images that old builders made."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(word) for word in value) if isinstance(value, list) else ()
