"""A file of images knows whether it arrived whole."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from devctl.adapters.docker.sealed_archive import SEAL, check, seal
from devctl.errors import FilesError


def archive(path: Path, parts: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as made:
        for name, content in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def test_what_was_sealed_is_whole(tmp_path: Path) -> None:
    file = archive(tmp_path / "x.tar", {"manifest.json": b"[]", "a/layer.tar": b"x" * 3_000_000})
    assert check(file) is False, "nobody sealed it"
    seal(file)
    assert check(file) is True
    with tarfile.open(file) as made:
        assert made.getnames() == ["manifest.json", "a/layer.tar", SEAL]


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    file = archive(tmp_path / "x.tar", {"layer.tar": b"x" * 5000})
    seal(file)
    content = bytearray(file.read_bytes())
    content[2000] ^= 1
    file.write_bytes(content)
    with pytest.raises(FilesError, match=r"is incomplete: layer\.tar") as caught:
        check(file)
    assert caught.value.code == "archive-damaged"


@pytest.mark.parametrize("at", [100, 3000, 5300])
def test_a_cut_file_is_never_taken_for_whole(tmp_path: Path, at: int) -> None:
    file = archive(tmp_path / "x.tar", {"layer.tar": b"x" * 5000})
    seal(file)
    file.write_bytes(file.read_bytes()[:at])
    try:
        assert check(file) is False, "the seal itself is gone: the engine has the last word"
    except FilesError as error:
        assert error.code == "archive-damaged"
