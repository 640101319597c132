"""Configuration and secrets that compose hands to the program, in a production that is read-only and not root."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.cases.steps import edit, inspect
from tests.engine.cli import docker, get
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def files_in_layers(exported: bytes) -> Iterator[bytes]:
    """The text of each file of an image that was saved: of its layers, and of the archive itself."""
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            text = file.read() if file else b""
            yield text
            with contextlib.suppress(tarfile.ReadError):
                yield from files_in_layers(text)


def test_a_configuration_that_is_written_in_the_compose_file(
    case: Callable[[str], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    tides = case("config_in_the_compose_file")
    tides.devctl("up", "-d")
    assert get(tides.port) == "tides foretell one\n"

    preview = tides.devctl("prod-preview")
    assert get(tides.port) == "tides foretell one\n"
    # What is written applies; hardening that conflicts with it is left out, and reported with its place.
    [left_out] = [w for w in preview.warnings if w["code"] == "read-only-left-out"]
    assert left_out["place"] == "compose.yaml:11", preview.show

    monkeypatch.setenv("TIDES_WORD", "two")
    tides.devctl("prod-preview")
    assert get(tides.port) == "tides foretell two\n"


def test_a_secret_that_only_its_owner_may_read(case: Callable[[str], Started]) -> None:
    casket = case("secret_for_its_owner_only")
    token = casket.root / "private/token.txt"
    token.parent.chmod(0o700)
    token.chmod(0o600)
    for path in (
        casket.root,
        *casket.root.rglob("*"),
    ):  # owned by a user other than root, or root's rights would hide it
        os.chown(path, 4321, 4321)
    casket.devctl("up", "-d")
    assert get(casket.port) == "casket opens one, token of 16 characters\n"

    refused = casket.devctl("prod-preview", code=1).error
    for word in ("casket_token", "private/token.txt", "0600", "65532"):
        assert word in refused["message"], refused
    assert "COPY" not in refused["hint"], refused
    assert "group_add: ['4321']" in refused["hint"] and "chmod 0640 private/token.txt" in refused["hint"], (
        refused
    )
    assert get(casket.port) == "casket opens one, token of 16 characters\n"  # nothing was switched
    assert (token.stat().st_mode & 0o777, token.stat().st_uid) == (0o600, 4321)

    edit(
        casket, "compose.yaml", "    build: .\n", "    build: .\n    group_add: ['4321']\n"
    )  # the remedy to the letter
    token.chmod(0o640)
    casket.devctl("prod-preview")
    assert get(casket.port) == "casket opens one, token of 16 characters\n"
    image = inspect(casket, "casket", "{{.Image}}")
    assert "not-a-real-token" not in docker("history", "--no-trunc", image)
    exported = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
    assert exported and not any(b"not-a-real-token" in text for text in files_in_layers(exported))
