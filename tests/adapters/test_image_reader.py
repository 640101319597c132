"""A file of an image that is larger than any program is not taken into memory."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.adapters.docker import image_reader
from devctl.adapters.docker.image_reader import SdkImages
from devctl.errors import ProjectError


def packed(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def reading(content: bytes, patch: pytest.MonkeyPatch) -> bytes:
    api = SimpleNamespace(
        inspect_image=lambda ref: {},
        get_archive=lambda *args, **how: (iter([packed("server", content)]), {}),
        create_container=lambda *args, **how: {"Id": "c"},
        remove_container=lambda *args, **how: None,
    )

    @contextlib.contextmanager
    def engine(ref: str) -> Iterator[Any]:
        yield SimpleNamespace(api=api)

    patch.setattr(image_reader, "_engine", engine)
    identity = SimpleNamespace(temporary=dict)
    return SdkImages(cast("Any", identity)).binary("shop:prod", "/server")


def test_a_file_of_an_image_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_reader, "LARGEST", 2_000_000)
    assert len(reading(b"x" * 2_000_000, monkeypatch)) == 2_000_000
    with pytest.raises(ProjectError, match=r"/server in shop:prod is larger than 2 MB") as caught:
        reading(b"x" * 2_000_001, monkeypatch)
    assert caught.value.code == "file-too-large"
