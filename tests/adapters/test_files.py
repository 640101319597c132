"""The project's folder: atomic writes, mounts."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.system.files import SystemFiles, mount_kind
from devctl.errors import FilesError, MachineError

FILES = SystemFiles()


def test_a_write_replaces_whole_files_and_says_whether_it_changed_them(tmp_path: Path) -> None:
    path = tmp_path / "sub/file"
    assert FILES.write_atomic(path, "one", within=tmp_path) is True
    before = path.stat().st_ino
    assert FILES.write_atomic(path, "one", within=tmp_path) is False
    assert path.stat().st_ino == before
    assert FILES.write_atomic(path, "two", within=tmp_path, mode=0o600) is True
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o600)
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(*args: object, **how: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(MachineError, match="no space"):
        FILES.write_atomic(path, "new", within=tmp_path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert FILES.read_text(tmp_path / "no", within=tmp_path) is None
    assert FILES.read_bytes(tmp_path, within=tmp_path) is None


def test_go_files_leave_out_what_is_not_source(tmp_path: Path) -> None:
    for name in ("main.go", "web/page.html", "vendor/x.go", ".git/x.go", "node_modules/y.js", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(name for name, _ in FILES.go_files(tmp_path)) == ["main.go", "web/page.html"]


def test_the_newest_of_a_folder_counts_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "vendor/x").mkdir(parents=True)
    (tmp_path / "outside").write_text("")
    (tmp_path / "vendor/link").symlink_to(tmp_path / "outside")
    for name in ("main.go", "vendor/x/x.go"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, ns=(1, 1000))
    os.utime(tmp_path / "vendor/link", ns=(1, 1000), follow_symlinks=False)
    paths = [tmp_path / "main.go", tmp_path / "vendor", tmp_path / "gone.go"]
    assert FILES.newer(paths, than=1000) is None
    os.utime(tmp_path / "vendor/x/x.go", ns=(1, 1001))
    assert FILES.newer(paths, than=1000) == tmp_path / "vendor/x/x.go"
    tomorrow = time.time_ns() + 86_400 * 10**9
    os.utime(tmp_path / "vendor/x/x.go", ns=(1, tomorrow))
    assert FILES.newer(paths, than=1000) is None, "it would be newer than any build until tomorrow"
    (tmp_path / "out").symlink_to(tmp_path / "vendor")
    os.utime(tmp_path / "out", ns=(1, 1000), follow_symlinks=False)
    assert FILES.newer([tmp_path / "out"], than=1000) is None


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
def test_the_mount_that_a_folder_is_on(path: str, kind: str) -> None:
    assert mount_kind(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    ("kind", "told"),
    [("9p", True), ("nfs4", True), ("fuse.sshfs", True), ("fuseblk", False), ("ext4", False)],
)
def test_mounts_that_pass_no_events(monkeypatch: pytest.MonkeyPatch, kind: str, told: bool) -> None:
    monkeypatch.setattr(SystemFiles, "read_text", lambda self, path, within: f"x / {kind} rw 0 0\n")
    assert SystemFiles().eventless(Path("/srv/app")) == (kind if told else None)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_any_mounts_file_is_survived(text: str) -> None:
    assert isinstance(mount_kind(Path("/srv"), text), str)


@pytest.mark.follows("ls -ld … shows what it is; replace it with …, or remove it")
@pytest.mark.parametrize("name", [".env", "deploy/compose.yaml"])
def test_nothing_is_written_through_a_planted_link(
    tmp_path: Path, name: str, hinted: Callable[[str], str]
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    root = tmp_path / "root"
    planted = root / name.partition("/")[0]
    root.mkdir()
    planted.symlink_to(precious if planted.name == name else tmp_path)
    uses = [
        lambda: FILES.append(root / name, "x", within=root),
        lambda: FILES.write_atomic(root / name, "x", within=root),
        lambda: FILES.make_folder(root / name, within=root, owner=None),
    ]
    for use in uses:
        with pytest.raises(FilesError) as caught:
            use()
        assert (caught.value.code, caught.value.problem.place) == ("unsafe-path", planted.name)
        assert "cannot be written" in caught.value.problem.message
        assert f"{planted.name} is a symbolic link, not a" in caught.value.problem.message
    assert precious.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["precious", "root"]
    wanted = hinted(caught.value.problem.hint).partition("replace it with ")[2]
    planted.unlink()
    assert wanted.startswith("a folder")
    planted.mkdir()
    uses[2]()
    shutil.rmtree(planted)
    uses[1]()
    assert (root / name).read_text() == "x"


def test_a_text_is_added_to_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    FILES.append(tmp_path / ".env", "B=2\n", within=tmp_path)
    assert (tmp_path / ".env").read_text() == "A=1\nB=2\n"
