"""What a stand-in asks of the engine: one import of its files, and none where the same is there already."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dockerfile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from devctl.adapters.stand_ins.assemble import ImageConfig, StandInAssembler
from devctl.adapters.stand_ins.fetch import _fits
from devctl.adapters.stand_ins.layer import LayerWriter
from devctl.domain.bases.references import stand_in
from devctl.domain.dockerfile.stages import unquoted
from devctl.domain.ports.machine import StoredImage
from devctl.domain.ports.toolbox import Finished


class Store(Struct):
    """An engine's images; each that is made has an id of its own, as on an engine that stamps the time into it."""

    here: dict[str, StoredImage] = field(default_factory=dict)
    files: list[dict[str, tarfile.TarInfo]] = field(default_factory=list)
    lines: list[Sequence[str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def find(self, ref: str) -> StoredImage | None:
        return self.here.get(ref if ":" in ref else f"{ref}:latest")

    def create(self, ref: str, layer: Path, lines: Sequence[str], *, platform: str, comment: str) -> None:
        with tarfile.open(layer) as archive:
            self.files.append({entry.name: entry for entry in archive})
        self.lines.append(lines)
        words = (dockerfile.parse_string(line)[0].value for line in lines if line.startswith("LABEL"))
        labels = {name: unquoted(value, {}) for name, value, *_ in words}
        self.here[ref] = StoredImage(ref, f"sha256:{len(self.lines)}", labels)

    def remove_unused(self, image_id: str) -> None:
        self.removed.append(image_id)


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages as a fetcher unpacks them."""
    folder = tmp_path / "debian"
    for name in (
        "busybox-static/bin/busybox",
        "musl/lib/ld-musl.so",
        "musl/etc/ld-musl.path",
        "tzdata/usr/share/zoneinfo/UTC",
        "ca-certificates/usr/share/ca-certificates/mozilla/A.crt",
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("x")
    fetcher = SimpleNamespace(architecture=lambda: "amd64", package=lambda name: folder / name)
    monkeypatch.setattr("devctl.adapters.stand_ins.assemble.Fetcher", lambda *args: fetcher)
    return folder


def assembler(store: Store, tmp_path: Path) -> StandInAssembler:
    processes = SimpleNamespace(run=lambda argv: Finished(0, "sh\nls\n", ""))
    return StandInAssembler(cast("Any", processes), cast("Any", None), cast("Any", store), cache=tmp_path)


def assemble(store: Store, tmp_path: Path, ref: str) -> None:
    recipe = stand_in(ref)
    assert recipe is not None
    assembler(store, tmp_path).assemble(ref, recipe)


def test_the_same_again_asks_nothing_of_the_engine(debian: Path, tmp_path: Path) -> None:
    store = Store()
    assemble(store, tmp_path, "alpine")
    assemble(store, tmp_path, "alpine")
    assert (list(store.here), len(store.lines), store.removed) == (["alpine:latest"], 1, [])
    assert list(tmp_path.iterdir()) == [debian]  # nothing is left of what was made


def test_new_content_takes_the_place_of_the_old(debian: Path, tmp_path: Path) -> None:
    store = Store()
    assemble(store, tmp_path, "alpine:3.22")
    (debian / "musl/lib/ld-musl.so").write_text("a newer one")
    assemble(store, tmp_path, "alpine:3.22")
    assert (store.here["alpine:3.22"].id, store.removed) == ("sha256:2", ["sha256:1"])


def test_a_real_image_stays(debian: Path, tmp_path: Path) -> None:
    store = Store({"alpine:3.22": StoredImage("alpine:3.22", "sha256:real", {})})
    assemble(store, tmp_path, "alpine:3.22")
    assert store.lines == []


def test_every_folder_can_be_entered_and_a_path_is_written_once(debian: Path, tmp_path: Path) -> None:
    store = Store()
    assemble(store, tmp_path, "alpine:3.22")
    (files,) = store.files
    assert {files[name].mode for name in ("etc", "etc/ssl/certs", "usr/share/devctl", "lib")} == {0o755}
    assert (files["tmp"].mode, files["root"].mode) == (0o1777, 0o700)
    assert {(entry.mtime, entry.uid, entry.gid) for entry in files.values()} == {(0, 0, 0)}


def test_equal_files_make_an_equal_layer(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        (tmp_path / name / "b").mkdir(parents=True)
        for file in ("b/c", "a") if name == "one" else ("a", "b/c"):
            (tmp_path / name / file).write_text(file)
        with LayerWriter(tmp_path / f"{name}.tar") as layer:
            layer.tree(tmp_path / name, "opt")
        digests.append(layer.digest())
    assert digests[0] == digests[1]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30))
def test_a_value_reaches_the_image_as_it_is(value: str) -> None:
    """`go env -w` may hold anything: quotes, dollar signs, backslashes. Read as the builder reads it."""
    line = ImageConfig({"GOFLAGS": value}, "").lines({})[0]
    (instruction,) = dockerfile.parse_string(f"{line}\n")
    assert (instruction.value[0], unquoted(instruction.value[1], {"a": "x"})) == ("GOFLAGS", value)


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    lines = ImageConfig({"GOFLAGS": "-mod=mod\nUSER root\r\n-v"}, "").lines({})
    assert lines[0] == 'ENV GOFLAGS="-mod=mod USER root -v"'


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("1.24.5", "1.24", True),
        ("1.24.5", "1.24.3", True),
        ("1.24.5", "1", True),
        ("1.24.5", "", True),
        ("1.24.5", "1.24.6", False),
        ("1.26.1", "1.19", False),
        ("1.26.1", "1.25.9", False),
    ],
)
def test_only_the_minor_that_is_asked_for(version: str, wanted: str, fits: bool) -> None:
    assert _fits(version, wanted) is fits
