"""What the layers of an image contain, as read from the image on an engine whose history gives disk usage instead."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from devctl.adapters.docker import layer_notes
from devctl.adapters.docker.layers import layers_of
from devctl.domain.image.facts import Layer

CONTAINERD = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
CLASSIC = {"DriverStatus": [["Backing Filesystem", "extfs"], ["Native Overlay Diff", "true"]]}
DOCKER, PODMAN = ({"Components": [{"Name": name}]} for name in ("Engine", "Podman Engine"))
HISTORY = [{"CreatedBy": "COPY /app", "Size": 8192}, {"CreatedBy": "ENV A=b", "Size": 0}]


def tar(
    files: Mapping[str, bytes],
    mode: str = "w",
    links: Mapping[str, str] | None = None,
    symlinks: Mapping[str, str] | None = None,
) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=cast("Any", mode)) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for kind, named in ((tarfile.LNKTYPE, links), (tarfile.SYMTYPE, symlinks)):
            for name, target in (named or {}).items():
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = kind, target
                archive.addfile(entry)
    return made.getvalue()


def image(*layers: bytes, history: list[dict[str, Any]], **files: bytes) -> bytes:
    """As `docker save` writes it."""
    blobs = {f"blobs/sha256/{n}": layer for n, layer in enumerate(layers)}
    manifest = [{"Config": "blobs/sha256/c", "Layers": list(blobs)}]
    texts = {"blobs/sha256/c": {"history": history}, "manifest.json": manifest, "index.json": {}}
    return tar({**files, **blobs, **{name: json.dumps(text).encode() for name, text in texts.items()}})


class Engine:
    """The SDK's client and its low-level API."""

    def __init__(
        self, info: Mapping[str, Any], sent: bytes = b"", server: Mapping[str, Any] = DOCKER
    ) -> None:
        self._info, self._sent, self._server = info, sent, server
        self.reads = 0

    @property
    def api(self) -> Engine:
        return self

    def info(self) -> Mapping[str, Any]:
        return self._info

    def version(self) -> Mapping[str, Any]:
        return self._server

    def inspect_image(self, ref: str) -> Mapping[str, Any]:
        return {"Id": f"sha256:{hashlib.sha256(self._sent).hexdigest()}"}

    def get_image(self, ref: str, *, chunk_size: int) -> Iterator[bytes]:
        self.reads += 1
        yield from (self._sent[at : at + 1000] for at in range(0, len(self._sent), 1000))


def read(engine: Engine) -> tuple[Layer, ...]:
    return layers_of(cast("Any", engine), "it", history=HISTORY)


def test_the_history_of_a_classic_store_is_the_contents() -> None:
    engine = Engine(CLASSIC)
    assert read(engine) == (Layer("COPY /app", 8192),) and engine.reads == 0


def test_on_the_containerd_store_the_files_of_each_layer_count_compressed_or_not() -> None:
    base = tar({"a": b"x" * 10, "b": b"y" * 5_000_000}, "w:gz", links={"c": "b"})
    top = tar({"app": b"z" * 300})
    history = [
        {"created_by": "ADD base"},
        {"created_by": "ENV A=b", "empty_layer": True},
        {"created_by": "COPY /app"},
    ]
    engine = Engine(CONTAINERD, image(base, top, history=history))
    assert read(engine) == (Layer("COPY /app", 300), Layer("ADD base", 5_000_010))


def test_a_link_counts_as_the_path_that_it_holds() -> None:
    base = tar({"bin/busybox": b"x" * 10}, links={"bin/ash": "bin/busybox"}, symlinks={"bin/sh": "busybox"})
    assert read(Engine(CONTAINERD, image(base, history=[]))) == (Layer("", 17),)


def test_podman_sends_files_that_are_no_layers() -> None:
    sent = image(tar({"a": b"x" * 300}), history=[{"created_by": "ADD base"}], VERSION=b"1.0")
    assert read(Engine(CLASSIC, sent, PODMAN)) == (Layer("ADD base", 300),)


def test_an_image_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    engine = Engine(CONTAINERD, image(tar({"a": b"x" * 300}), history=[{"created_by": "ADD base"}]))
    assert read(engine) == read(engine) == (Layer("ADD base", 300),)
    assert engine.reads == 1
    (note,) = tmp_path.rglob("*.json")
    note.write_text("[{")  # half of one, by a killed process
    assert read(engine) == read(engine) == (Layer("ADD base", 300),)
    assert engine.reads == 2


def test_only_so_many_images_are_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(layer_notes, "KEPT", 2)
    for number in range(4):
        layer_notes.note_layers(f"sha256:{number}", (Layer("ADD", number),))
        os.utime(tmp_path / "devctl/layers" / layer_notes.RULE / f"{number}.json", (number, number))
    assert [layer_notes.known_layers(f"sha256:{n}") for n in range(4)] == [
        None,
        None,
        (Layer("ADD", 2),),
        (Layer("ADD", 3),),
    ]


def test_an_imported_image_has_a_comment_or_nothing_and_an_empty_layer_does_not_count() -> None:
    layers = (tar({"a": b"x"}), tar({}), tar({"b": b"yy"}))
    told = [{"comment": "Imported from -"}, {"created_by": "WORKDIR /x"}]
    assert read(Engine(CONTAINERD, image(*layers, history=told))) == (
        Layer("", 2),
        Layer("Imported from -", 1),
    )


def test_what_cannot_be_read_leaves_the_engines_own_figures() -> None:
    zstd = b"\x28\xb5\x2f\xfd" + bytes(5_000_000)
    for sent in (image(zstd, history=[]), tar({"other": b"x"}), b"no tar at all" * 100):
        assert read(Engine(CONTAINERD, sent)) == (Layer("COPY /app", 8192),)
