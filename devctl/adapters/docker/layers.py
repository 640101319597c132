"""The layers of an image and what each contains, uncompressed: the same on every image store.

The history of overlay2 gives exactly that where overlayfs itself tells what changed ("Native Overlay Diff"); elsewhere, as on a
rootless engine, it leaves out links. The containerd image store, the default since Engine 29, gives what a layer takes on its disk:
a base of 2.0 MB in small files counts as 5.1 MB; podman gives the size of its archive. There the layers are read, once for each
image.
"""

from __future__ import annotations

import contextlib
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct, field

from devctl.adapters.docker.layer_notes import known_layers, note_layers
from devctl.adapters.docker.tar_stream import tar_of
from devctl.domain.image.facts import Layer

if TYPE_CHECKING:
    from docker.client import DockerClient

_STREAMED = 2 * 1024 * 1024
_LARGEST_JSON = 4 * 1024 * 1024
"""Bytes of a manifest or configuration in an image that is sent; larger files are layers."""


def layers_of(client: DockerClient, ref: str, *, history: Sequence[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """The layers with content, newest first. `history`: the engine's, of this image."""
    if not history_tells_contents(client.info(), client.version()):
        api: Any = client.api
        image_id = str(api.inspect_image(ref)["Id"])
        known = known_layers(image_id)
        if known is not None:
            return known
        read = _read_layers(client, ref)
        if read is not None:
            note_layers(image_id, read)
            return read
    return tuple(Layer(_made_by(line), int(line["Size"])) for line in history if line["Size"])


def history_tells_contents(info: Mapping[str, Any], server: Mapping[str, Any]) -> bool:
    """`info` of the engine and the version that it reports (moby: daemon/graphdriver/overlay2, ApplyDiff)."""
    return _status(info).get("Native Overlay Diff") == "true" and not is_podman(server)


def is_containerd_store(info: Mapping[str, Any]) -> bool:
    """`info`: that of the engine. https://docs.docker.com/engine/storage/containerd/"""
    return _status(info).get("driver-type", "").startswith("io.containerd.snapshotter")


def _status(info: Mapping[str, Any]) -> dict[str, str]:
    return dict(info.get("DriverStatus") or ())


def is_podman(server: Mapping[str, Any]) -> bool:
    """`server`: the version that the engine reports."""
    return any(part.get("Name") == "Podman Engine" for part in server.get("Components") or ())


class _Sent(Struct):
    """What an image that is sent consists of, by the path in it: texts of JSON, and the contents of layers in bytes."""

    texts: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, int] = field(default_factory=dict)


def _read_layers(client: DockerClient, ref: str) -> tuple[Layer, ...] | None:
    """None if a layer is compressed in a way that this Python cannot read (zstd)."""
    api: Any = client.api
    sent = _Sent()
    try:
        with tar_of(api.get_image(ref, chunk_size=_STREAMED)) as archive:
            for entry in archive:
                _take(sent, archive, entry)
        manifest = sent.texts["manifest.json"][0]
        config, paths = sent.texts[manifest["Config"]], manifest["Layers"]
        made = [line for line in config.get("history") or () if not line.get("empty_layer")]
        sizes = [sent.contents[path] for path in paths]
    except (tarfile.TarError, KeyError, IndexError, TypeError):
        return None
    names = [_made_by({"CreatedBy": line.get("created_by"), "Comment": line.get("comment")}) for line in made]
    names += [""] * (len(sizes) - len(names))
    return tuple(Layer(name, size) for name, size in zip(names, sizes, strict=False) if size)[::-1]


def _take(sent: _Sent, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
    content = archive.extractfile(entry) if entry.isfile() else None
    if content is None:
        return
    if entry.size > _LARGEST_JSON:
        sent.contents[entry.name] = _contained(content)
        return
    small = content.read()
    if small.lstrip()[:1] in (b"{", b"["):
        sent.texts[entry.name] = json.loads(small)
        return
    with contextlib.suppress(tarfile.ReadError):  # a file `VERSION` of the old format, which podman sends
        sent.contents[entry.name] = _contained(BytesIO(small))


def _contained(layer: IO[bytes]) -> int:
    """Bytes of the files in a layer, compressed or not. A second name of a file takes nothing."""
    with tarfile.open(fileobj=layer, mode="r|*") as archive:
        return sum(_bytes(entry) for entry in archive)


def _bytes(entry: tarfile.TarInfo) -> int:
    """A link counts as the path that it holds, as in the history of a classic store (moby: pkg/directory, Size)."""
    if entry.issym():
        return len(os.fsencode(entry.linkname))
    return entry.size if entry.isfile() else 0


def _made_by(line: Mapping[str, Any]) -> str:
    """An imported image has no command, only content."""
    return str(line["CreatedBy"] or line.get("Comment") or "")
