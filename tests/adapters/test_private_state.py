"""What is remembered about a project outside its folder."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.system.host import home_folder
from devctl.adapters.system.private_state import HomePrivateState
from devctl.errors import MachineError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_each_project_has_its_own_texts(home: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "shop", tmp_path / "b" / "shop"
    private = HomePrivateState()
    private.write(one, "intent.json", "1")
    assert (private.read(one, "intent.json"), private.read(two, "intent.json")) == ("1", None)
    private.remove(one, "intent.json")
    private.remove(one, "intent.json")
    assert private.read(one, "intent.json") is None


def test_only_the_user_can_read_them(home: Path, tmp_path: Path) -> None:
    HomePrivateState().write(tmp_path / "shop", "intent.json", "{}")
    modes = {stat.S_IMODE(p.stat().st_mode) for p in home.rglob("*") if p.is_file()}
    folders = {stat.S_IMODE(p.stat().st_mode) for p in (home, *home.rglob("*")) if p.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_link_to_the_project_is_the_project(home: Path, tmp_path: Path) -> None:
    root, link = tmp_path / "shop", tmp_path / "link"
    root.mkdir()
    link.symlink_to(root)
    HomePrivateState().write(link, "intent.json", "1")
    assert HomePrivateState().read(root, "intent.json") == "1"


def exported(hint: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
    """`export NAME=/a/folder…`, with a folder of the reader's."""
    export, _, setting = hint.partition(" ")
    assert export == "export"
    patch.setenv(setting.partition("=")[0], str(folder))


@pytest.mark.follows("export XDG_STATE_HOME=/a/folder/that/you/may/write")
def test_a_state_folder_that_cannot_be_written_is_chosen_again(
    home: Path, tmp_path: Path, hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file")
    with pytest.raises(MachineError) as caught:
        HomePrivateState().write(tmp_path / "shop", "intent.json", "1")
    assert caught.value.code == "state-not-writable"
    exported(hinted(caught.value.problem.hint), monkeypatch, tmp_path / "mine")
    HomePrivateState().write(tmp_path / "shop", "intent.json", "1")
    assert HomePrivateState().read(tmp_path / "shop", "intent.json") == "1"


@pytest.mark.follows("export HOME=/a/folder/of/yours")
def test_a_user_without_a_home_names_one(
    tmp_path: Path, hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(MachineError) as caught:
        home_folder()
    assert caught.value.code == "no-home"
    exported(hinted(caught.value.problem.hint), monkeypatch, tmp_path)
    assert home_folder() == tmp_path


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "HOME"])
def test_a_relative_home_is_none(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lie in the project, where containers write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv(variable, "relative")
    if variable == "HOME":
        with pytest.raises(MachineError):
            HomePrivateState().write(tmp_path / "shop", "intent.json", "1")
    else:
        HomePrivateState().write(tmp_path / "shop", "intent.json", "1")
    assert not (tmp_path / "relative").exists()


def test_a_home_that_is_the_project_keeps_nothing(home: Path, tmp_path: Path) -> None:
    """Containers have it mounted: what they write there would choose what a rollback starts."""
    HomePrivateState().write(tmp_path / "shop", "running.json", "{}")
    planted = next(home.rglob("running.json")).parent
    (planted.parent / planted.name.replace("shop", tmp_path.name)).mkdir()
    for folder in planted.parent.iterdir():
        (folder / "intent.json").write_text("{}")
    assert HomePrivateState().read(tmp_path, "intent.json") is None
    with pytest.raises(MachineError, match="is inside the project, where containers can write") as caught:
        HomePrivateState().write(tmp_path, "intent.json", "{}")
    assert caught.value.code == "state-not-writable"
