"""The project's folder: atomic writes, locks that cannot go stale, mounts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.files import SystemFiles, mount_kind
from devctl.errors import MachineError

FILES = SystemFiles()
HOLD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from devctl.adapters.files import SystemFiles
with SystemFiles().lock(Path({folder!r}), command="up", timeout=1):
    print("held", flush=True)
    time.sleep({seconds})
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    code = HOLD.format(root=str(Path(__file__).parents[2]), folder=str(folder), seconds=seconds)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    child.stdout.close()
    return child


def test_a_write_replaces_whole_files_and_says_whether_it_changed_them(tmp_path: Path) -> None:
    path = tmp_path / "sub/file"
    assert FILES.write_atomic(path, "one") is True
    before = path.stat().st_ino
    assert FILES.write_atomic(path, "one") is False
    assert path.stat().st_ino == before
    assert FILES.write_atomic(path, "two", mode=0o600) is True
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o600)
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        FILES.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert FILES.read_text(tmp_path / "no") is None
    assert FILES.read_bytes(tmp_path) is None
    assert FILES.modified(tmp_path / "no") is None


def test_the_state_folder_hides_itself_from_git_and_makes_no_project(tmp_path: Path) -> None:
    assert (FILES.state_dir(tmp_path) / ".gitignore").read_text() == "*\n"
    with pytest.raises(FileNotFoundError):
        FILES.state_dir(tmp_path / "moved away")
    assert not (tmp_path / "moved away").exists()


def test_a_lock_that_is_held_names_its_holder(tmp_path: Path) -> None:
    child = holder(tmp_path, 30)
    try:
        with (
            pytest.raises(MachineError) as caught,
            FILES.lock(tmp_path, command="down", timeout=0.2),
        ):
            pass
    finally:
        child.kill()
        child.wait()
    assert caught.value.code == "project-locked"
    assert f"`devctl up` (pid {child.pid})" in caught.value.problem.message


def test_a_lock_waits_for_its_holder_and_outlives_no_process(tmp_path: Path) -> None:
    child = holder(tmp_path, 0.4)
    began = time.monotonic()
    with FILES.lock(tmp_path, command="down", timeout=10):
        assert time.monotonic() - began > 0.2
    child.wait()
    killed = holder(tmp_path, 30)
    killed.kill()
    killed.wait()
    with FILES.lock(tmp_path, command="down", timeout=0):
        assert (tmp_path / ".devctl/lock").read_text() == f"down {os.getpid()}\n"


def test_a_held_file_is_known_by_the_kernel_not_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / "watcher.lock"
    assert FILES.held(path) is False
    with FILES.hold(path, note="17") as mine:
        assert mine
        assert (FILES.held(path), path.read_text()) == (True, "17")
        with FILES.hold(path, note="18") as second:
            assert second is False
        assert path.read_text() == "17"
    assert FILES.held(path) is False  # the text is still there


def test_go_files_leave_out_what_is_no_source(tmp_path: Path) -> None:
    for name in ("main.go", "web/page.html", "vendor/x.go", ".git/x.go", "node_modules/y.js", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(name for name, _ in FILES.go_files(tmp_path)) == ["main.go", "web/page.html"]


MOUNTS = """\
overlay / overlay rw 0 0
C:\\134 /mnt/c 9p rw,dirsync 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/fast ext4 rw 0 0
share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/app", "overlay"),
        ("/mnt/c/app", "9p"),
        ("/mnt/cc/app", "overlay"),
        ("/home/me/app", "nfs4"),
        ("/home/me/fast/app", "ext4"),
        ("/mnt/my share/app", "cifs"),
    ],
)
def test_the_mount_that_a_folder_lies_on(path: str, kind: str) -> None:
    assert mount_kind(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    ("kind", "told"),
    [("9p", True), ("nfs4", True), ("fuse.sshfs", True), ("fuseblk", False), ("ext4", False)],
)
def test_mounts_that_pass_no_events(monkeypatch: pytest.MonkeyPatch, kind: str, told: bool) -> None:
    monkeypatch.setattr(SystemFiles, "read_text", lambda self, path: f"x / {kind} rw 0 0\n")
    assert SystemFiles().eventless(Path("/srv/app")) == (kind if told else None)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_any_mounts_file_is_survived(text: str) -> None:
    assert isinstance(mount_kind(Path("/srv"), text), str)
