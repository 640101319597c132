"""`.devctl/`: whole writes, closed to others, and nothing planted there is followed, waited for, or read to the end."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system import beneath
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.state_folder import LIMIT, SystemStateFolder, open_state_file
from devctl.domain.ports.state_folder import Position
from devctl.domain.project.state_folder import FileEventsNote, OldCode, ServingNote
from devctl.errors import FilesError, MachineError

STATE = SystemStateFolder()
FILES = SystemFiles()


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A FIFO blocks anyone who opens it the wrong way."""
    signal.alarm(20)
    yield
    signal.alarm(0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def link(path: Path) -> None:
    target = path.parent.parent / "precious"
    target.write_text("precious")
    path.symlink_to(target)


def link_to_folder(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    target.mkdir(exist_ok=True)
    path.symlink_to(target)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent.parent / "not there")


def bound_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(here)


def device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))


PLANTED: dict[str, Callable[[Path], None]] = {
    "a symbolic link": link,
    "a symbolic link to a folder": link_to_folder,
    "a symbolic link to nothing": dangling,
    "a FIFO": os.mkfifo,
    "a socket": bound_socket,
    "a folder": Path.mkdir,
}
if (
    os.geteuid() == 0
):  # nobody else can create one, and neither can code in a container that runs as another user
    PLANTED["a device"] = device
USES: dict[str, Callable[[Path], object]] = {
    "read": lambda root: STATE.read(root, ServingNote),
    "write": lambda root: STATE.write(root, ServingNote({"app": OldCode("1", "x")})),
    "remove": lambda root: STATE.remove(root, ServingNote.file),
    "append": lambda root: STATE.append(root, ServingNote.file, "x"),
    "begin": lambda root: os.close(STATE.begin(root, ServingNote.file)),
    "bound": lambda root: STATE.bound(root, ServingNote.file),
    "new lines": lambda root: STATE.new_lines(root, ServingNote.file, Position()),
    "held": lambda root: FILES.held(root, ServingNote.file),
    "hold": lambda root: FILES.hold(root, ServingNote.file, note="1").__enter__(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", PLANTED)
def test_what_is_not_a_regular_file_is_refused(tmp_path: Path, what: str, use: str) -> None:
    STATE.make(tmp_path)
    PLANTED[what](tmp_path / ".devctl/serving.json")
    with pytest.raises(FilesError) as caught:
        USES[use](tmp_path)
    problem = caught.value.problem
    assert (problem.code, problem.place) == ("state-folder-unsafe", ".devctl/serving.json")
    assert problem.message.startswith(
        f".devctl/serving.json is {what.removesuffix(' to a folder').removesuffix(' to nothing')}"
    )
    assert problem.hint.startswith("rm ")
    if what == "a symbolic link":
        assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "not there").exists()


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("a FIFO", marks=pytest.mark.follows("rm …; devctl recreates it")),
        pytest.param("a folder", marks=pytest.mark.follows("rm -r …; devctl recreates it")),
    ],
)
def test_what_is_removed_as_told_is_made_again(
    tmp_path: Path, what: str, hinted: Callable[[str], str]
) -> None:
    STATE.make(tmp_path)
    PLANTED[what](tmp_path / ".devctl/serving.json")
    with pytest.raises(FilesError) as caught:
        USES["write"](tmp_path)
    command = hinted(caught.value.problem.hint).removesuffix("; devctl recreates it")
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True)
    USES["write"](tmp_path)
    assert STATE.read(tmp_path, ServingNote) == ServingNote({"app": OldCode("1", "x")})


@pytest.mark.follows(
    "copy the project to a writable folder: devctl keeps its state in the project's .devctl/"
)
def test_a_project_on_a_disk_that_only_reads_is_copied(
    tmp_path: Path, hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    real = beneath.folder

    def folder(root: Path, *how: Any, **more: Any) -> Any:
        if root == disk:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(root, *how, **more)

    monkeypatch.setattr(beneath, "folder", folder)
    with pytest.raises(MachineError) as caught:
        USES["append"](disk)
    assert hinted(caught.value.problem.hint).startswith("copy the project")
    shutil.copytree(disk, copy)
    USES["append"](copy)


@pytest.mark.parametrize("what", [*PLANTED, "a file"])
def test_what_is_not_a_folder_is_refused(tmp_path: Path, what: str) -> None:
    if what == "a folder":
        return
    (tmp_path / "root").mkdir()
    root = tmp_path / "root"
    {**PLANTED, "a file": Path.touch}[what](root / ".devctl")
    for use in ("read", "write", "append", "held"):
        with pytest.raises(FilesError) as caught:
            USES[use](root)
        assert (caught.value.code, caught.value.problem.place) == ("state-folder-unsafe", ".devctl")
    with pytest.raises(FilesError), FILES.lock(root, command="up", timeout=1, waiting=lambda holder: None):
        pass


def test_a_folder_below_is_refused_by_its_own_name(tmp_path: Path) -> None:
    STATE.make(tmp_path)
    link_to_folder(tmp_path / ".devctl/app")
    for use in (STATE.text, STATE.remove, lambda root, name: STATE.put(root, name, "x")):
        with pytest.raises(FilesError) as caught:
            use(tmp_path, "app/Dockerfile")
        assert caught.value.problem.place == ".devctl/app"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_everything_is_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        STATE.put(tmp_path, "app/Dockerfile", "FROM scratch\n")
        STATE.append(tmp_path, "events/saved.probe", "1")
        os.close(STATE.begin(tmp_path, "events.jsonl"))
        STATE.write(tmp_path, FileEventsNote(True))
        with (
            FILES.lock(tmp_path, command="up", timeout=1, waiting=lambda holder: None),
            FILES.hold(tmp_path, "watcher.lock"),
        ):
            found = [tmp_path / ".devctl", *(tmp_path / ".devctl").rglob("*")]
            modes = {(p.is_dir(), mode(p)) for p in found}
    finally:
        os.umask(before)
    assert modes == {(True, 0o700), (False, 0o600)}


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".devctl").mkdir(mode=0o755)
    old = tmp_path / ".devctl/.gitignore"
    old.write_text("*\n")
    old.chmod(0o644)
    STATE.make(tmp_path)
    assert (mode(old.parent), mode(old)) == (0o700, 0o600)


def test_the_owner_of_the_project_owns_it(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # anybody else gives nothing away, and owns what they make
        os.chown(tmp_path, 12345, 23456)
    owner = tmp_path.stat()
    STATE.put(tmp_path, "app/Dockerfile", "FROM scratch\n")
    with FILES.lock(tmp_path, command="up", timeout=1, waiting=lambda holder: None):
        for path in (tmp_path / ".devctl", *(tmp_path / ".devctl").rglob("*")):
            assert (path.lstat().st_uid, path.lstat().st_gid) == (owner.st_uid, owner.st_gid), path


def test_the_state_folder_hides_itself_from_git_and_makes_no_project(tmp_path: Path) -> None:
    assert (STATE.make(tmp_path) / ".gitignore").read_text() == "*\n"
    with pytest.raises(MachineError):
        STATE.make(tmp_path / "moved away")
    assert not (tmp_path / "moved away").exists()


def test_a_write_replaces_whole_files_and_says_whether_it_changed_them(tmp_path: Path) -> None:
    assert STATE.put(tmp_path, "app/Dockerfile", "one") is True
    before = (tmp_path / ".devctl/app/Dockerfile").stat().st_ino
    assert STATE.put(tmp_path, "app/Dockerfile", "one") is False
    assert (tmp_path / ".devctl/app/Dockerfile").stat().st_ino == before
    assert STATE.put(tmp_path, "app/Dockerfile", "two") is True
    assert STATE.text(tmp_path, "app/Dockerfile") == "two"
    assert [p.name for p in (tmp_path / ".devctl/app").iterdir()] == ["Dockerfile"]


def test_a_write_that_fails_leaves_the_old_file_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    STATE.put(tmp_path, "serving.json", "old")

    def full(*args: object, **how: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(MachineError, match="no space left") as caught:
        STATE.put(tmp_path, "serving.json", "new")
    assert caught.value.code == "state-folder-not-writable"
    assert STATE.text(tmp_path, "serving.json") == "old"
    assert [p.name for p in (tmp_path / ".devctl").iterdir()] == ["serving.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"old": 3}', '{"old": {"app": "x"}}', "[" * 100_000]
)
def test_a_note_that_cannot_be_understood_is_none(tmp_path: Path, text: str) -> None:
    STATE.put(tmp_path, ServingNote.file, text)
    assert STATE.read(tmp_path, ServingNote) == ServingNote()


def test_a_huge_note_is_none_and_is_not_read(tmp_path: Path) -> None:
    STATE.make(tmp_path)
    with (tmp_path / ".devctl/serving.json").open("w") as sink:
        sink.truncate(1 << 40)
    assert STATE.read(tmp_path, ServingNote) == ServingNote()
    note = ServingNote({"app": OldCode("1", "x")})
    STATE.write(tmp_path, note)
    assert STATE.read(tmp_path, ServingNote) == note


def test_a_growing_file_is_read_from_where_one_left_off(tmp_path: Path) -> None:
    first = STATE.begin(tmp_path, "events.jsonl")
    os.write(first, b"1\n2\n3")
    lines, at = STATE.new_lines(tmp_path, "events.jsonl", Position())
    assert list(lines) == ["1", "2"]
    os.write(first, b"3\n")
    lines, at = STATE.new_lines(tmp_path, "events.jsonl", at)
    assert list(lines) == ["33"]
    assert STATE.new_lines(tmp_path, "events.jsonl", at)[0] == []
    second = STATE.begin(tmp_path, "events.jsonl")
    os.write(second, b"more than all that was there before\n")
    lines, at = STATE.new_lines(tmp_path, "events.jsonl", at)
    assert list(lines) == ["more than all that was there before"]
    for handle in (first, second):
        os.close(handle)


def test_a_growing_file_stays_within_bounds(tmp_path: Path) -> None:
    handle = STATE.begin(tmp_path, "events.jsonl")
    os.write(handle, b"x" * 99 + b"\n")
    STATE.bound(tmp_path, "events.jsonl")
    lines, at = STATE.new_lines(tmp_path, "events.jsonl", Position())
    assert len(lines) == 1
    for _ in range(LIMIT // 100):
        os.write(handle, b"y" * 99 + b"\n")
    lines, at = STATE.new_lines(tmp_path, "events.jsonl", Position())
    assert sum(len(line) + 1 for line in lines) <= LIMIT
    STATE.bound(tmp_path, "events.jsonl")
    assert (tmp_path / ".devctl/events.jsonl").stat().st_size == 0
    os.write(handle, b"after\n")
    os.close(handle)
    assert list(STATE.new_lines(tmp_path, "events.jsonl", at)[0]) == ["after"]


def test_an_opener_truncates_nothing_but_a_regular_file(tmp_path: Path) -> None:
    STATE.make(tmp_path)
    link(tmp_path / ".devctl/watcher.log")
    with pytest.raises(FilesError), suppress(OSError):
        open_state_file(tmp_path, "watcher.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert (tmp_path / "precious").read_text() == "precious"
