"""Pull, mirror, save and load on the real engine; a real registry serves as the mirror."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devctl.adapters.docker.image_store import WhalesImageStore
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.bases.references import Base
from devctl.domain.ports.machine import MachineBox
from devctl.errors import FilesError, MachineError
from devctl.workflows.bases.fetch import build_bases, ensure, list_bases, load_bases, pull_bases, save_bases
from tests.machine.conftest import ALPINE, MINE, docker, remove
from tests.registry import serving

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def registry(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(cache, tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.mark.parametrize("place", ["library/alpine", "alpine"])
def test_a_missing_base_comes_from_the_mirror(stand_ins: MachineBox, registry: str, place: str) -> None:
    ref, kept = f"alpine:3.22-mirror-{MINE}", f"{registry}/{place}:3.22-mirror-{MINE}"
    docker("tag", ALPINE, kept)
    try:
        docker("push", "-q", kept)
        remove(kept)
        (state,) = ensure(stand_ins, [ref], mirror=registry)
        assert (state.ref, state.present) == (ref, True)
        assert stand_ins.images.find(ref) is not None
        assert any(d.startswith(f"{registry}/") for d in stand_ins.images.find(ref).digests)  # type: ignore[union-attr]
    finally:
        remove(ref, kept)


def test_a_base_that_nobody_has_is_named_with_its_remedy(box: MachineBox, registry: str) -> None:
    with pytest.raises(MachineError) as caught:
        ensure(box, ["alpine:3.22-devctlnone"], mirror=registry)
    assert caught.value.code == "base-missing"
    assert caught.value.problem.hint == "devctl bases build"
    assert "alpine:3.22-devctlnone" in str(caught.value)


def test_a_silent_registry_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        store = WhalesImageStore(SystemProcesses(), first_word_within=1)
        pulled = store.pull(f"127.0.0.1:{silent.getsockname()[1]}/alpine:3.22")
    assert pulled.outcome == "unreachable"


def test_pull_without_a_registry_fails(box: MachineBox) -> None:
    with pytest.raises(MachineError) as caught:
        pull_bases(box, [Base("registry.invalid/devctl/base:1", "tool")])
    assert caught.value.result["bases"] == [
        {
            "ref": "registry.invalid/devctl/base:1",
            "role": "tool",
            "source": "registry",
            "present": False,
            "size_bytes": 0,
        }
    ]
    assert "devctl bases load" in caught.value.problem.hint


def test_save_and_load_carry_bases_to_another_machine(stand_ins: MachineBox, tmp_path: Path) -> None:
    ref, file = f"alpine:3.22-save-{MINE}", tmp_path / "bases.tar"
    docker("tag", ALPINE, ref)
    try:
        save_bases(stand_ins, [Base(ref, "runtime"), Base("alpine:3.22-devctlnone", "runtime")], file)
        before = stand_ins.images.find(ref)
        remove(ref)
        assert stand_ins.images.find(ref) is None
        (state,) = load_bases(stand_ins, file)
        assert (state.ref, state.role, state.source, state.present) == (ref, "runtime", "assembled", True)
        assert stand_ins.images.find(ref) == before
    finally:
        remove(ref)


@pytest.mark.follows("check the path: its folder must exist and have free space")
@pytest.mark.follows("copy it again, or recreate it: devctl bases save …")
def test_an_archive_that_cannot_be_read_or_written_is_recreated(
    stand_ins: MachineBox, tmp_path: Path, hinted: Callable[[str], str]
) -> None:
    bases = [Base(ALPINE, "runtime")]
    file = tmp_path / "there" / "x.tar"
    with pytest.raises(MachineError) as unsaved:
        save_bases(stand_ins, bases, file)
    assert "its folder must exist" in hinted(unsaved.value.problem.hint)
    file.parent.mkdir()
    file.write_text("no archive")
    with pytest.raises(FilesError) as caught:
        load_bases(stand_ins, file)
    assert caught.value.code == "load-failed"
    save_bases(stand_ins, bases, file.parent / hinted(caught.value.problem.hint).split()[-1])
    assert [state.ref for state in load_bases(stand_ins, file)] == [ALPINE]


def test_build_makes_what_it_can_and_names_the_rest(stand_ins: MachineBox) -> None:
    bases = [Base(ALPINE, "runtime"), Base("registry.invalid/devctl/base:1", "tool")]
    states, cannot = build_bases(stand_ins, bases)
    assert [state.present for state in states] == [True, False]
    assert cannot == ("registry.invalid/devctl/base:1",)
    assert states[0].source == "assembled"
    assert states[0].size_bytes > 1_000_000
    assert list_bases(stand_ins, bases) == states
