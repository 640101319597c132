"""Below a project: what is written goes through no link, what is read leaves it by none, whatever changes in between."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.system import beneath
from devctl.adapters.system.beneath import Beneath, Unsafe, read_bytes
from devctl.adapters.system.regular_file import Unreadable

SECRET = b"a secret of the host"
CALLS = ("open", "stat", "readlink", "mkdir", "rename", "fchmod", "fstat")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A FIFO blocks anyone who opens it the wrong way."""
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "b").mkdir(parents=True)
    (folder / "file").write_bytes(SECRET)
    (folder / "b/file").write_bytes(SECRET)
    return folder


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_bytes(b"inside\r\n")
    return root


def as_it_was(outside: Path) -> None:
    assert sorted(p.relative_to(outside).as_posix() for p in outside.rglob("*")) == ["b", "b/file", "file"]
    for path in (outside / "file", outside / "b/file"):
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (SECRET, 0o644)


USES: dict[str, Callable[[Path, str], object]] = {
    "write": lambda root, name: beneath.write(root, root / name, b"new", mode=0o600, owner=None),
    "append": lambda root, name: beneath.append(root, root / name, b"new"),
    "rewrite": lambda root, name: beneath.rewrite(root, root / name, lambda data: data.replace(b"\r", b"")),
    "change_mode": lambda root, name: beneath.change_mode(root, root / name, lambda mode: 0o777),
    "make_folder": lambda root, name: beneath.make_folder(root, root / name, owner=(0, 0)),
    "read": lambda root, name: read_bytes(root / name, within=root),
}
WRITES = [use for use in USES if use != "read"]


@pytest.mark.parametrize("use", WRITES)
@pytest.mark.parametrize("planted", ["a", "a/b", "a/b/file"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_write_goes_through_no_link(
    root: Path, outside: Path, use: str, planted: str, *, inside: bool
) -> None:
    (root / "a").rename(root / "real")
    (root / planted).parent.mkdir(parents=True, exist_ok=True)
    target = (root / "real/b" if inside else outside) / ("file" if planted.endswith("file") else "")
    (root / planted).symlink_to(target)
    with pytest.raises(Unsafe, match=f"{planted} is a symbolic link, not"):
        USES[use](root, "a/b/file")
    as_it_was(outside)
    assert (root / "real/b/file").read_bytes() == b"inside\r\n"


@pytest.mark.parametrize("use", WRITES)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_write_waits_for_nothing_and_replaces_no_folder(
    root: Path, use: str, make: Callable[[Path], None]
) -> None:
    make(root / "odd")
    if (use, make) == ("make_folder", os.mkdir):
        return
    with pytest.raises(Unsafe):
        USES[use](root, "odd")


@pytest.mark.parametrize("use", WRITES)
@pytest.mark.parametrize("name", ["../outside/file", "a/../../outside/file", "/etc/hostname"])
def test_a_write_stays_below_by_name_too(root: Path, outside: Path, use: str, name: str) -> None:
    with pytest.raises(Unsafe, match="a path out of the project"):
        USES[use](root, name)
    as_it_was(outside)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("swapped", ["a", "a/b", "a/b/file"])
@pytest.mark.parametrize("before", [False, True])
def test_a_link_that_is_put_there_at_any_call_is_not_followed(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, use: str, swapped: str, *, before: bool
) -> None:
    """Deterministic: once for each system call, right before or right after it."""
    for at in range(200):
        root = tmp_path / f"root{at}"
        (root / "a/b").mkdir(parents=True)
        (root / "a/b/file").write_bytes(b"inside\r\n")
        seen = 0

        def hooked(real: Callable[..., Any], root: Path = root, at: int = at) -> Callable[..., Any]:
            def call(*args: Any, **how: Any) -> Any:
                nonlocal seen
                seen += 1
                if before and seen == at + 1:
                    swap(root)
                try:
                    return real(*args, **how)
                finally:
                    if not before and seen == at + 1:
                        swap(root)

            return call

        def swap(root: Path) -> None:
            (root / swapped).replace(root / "moved")
            (root / swapped).symlink_to(outside / "file" if swapped.endswith("file") else outside)

        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(beneath.os, name, hooked(getattr(os, name)))
            try:
                answer = USES[use](root, "a/b/file")
            except OSError:
                answer = None
        as_it_was(outside)
        assert answer != SECRET
        if seen <= at:
            return
    raise AssertionError("a use of so many calls")


def test_a_temporary_file_cannot_be_guessed(root: Path, outside: Path) -> None:
    """The name of an earlier version, as a committed link."""
    (root / "a/b/.file.devctl").symlink_to(outside / "file")
    beneath.rewrite(root, root / "a/b/file", lambda data: b"changed")
    as_it_was(outside)
    assert (root / "a/b/file").read_bytes() == b"changed"
    assert sorted(p.name for p in (root / "a/b").iterdir()) == [".file.devctl", "file"]


def test_a_rewrite_keeps_mode_and_owner(root: Path) -> None:
    path = root / "a/b/file"
    path.chmod(0o750)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    beneath.rewrite(root, path, lambda data: b"changed")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_write_says_whether_it_changed_something(root: Path) -> None:
    def put(data: bytes) -> bool:
        return beneath.write(root, root / "new/sub/file", data, mode=0o640, owner=(12345, 23456))

    assert (put(b"one"), put(b"one"), put(b"two"), put(b"three")) == (True, False, True, True)
    made = [root / "new", root / "new/sub", root / "new/sub/file"]
    assert [stat.S_IMODE(p.stat().st_mode) for p in made] == [0o755, 0o755, 0o640]
    if os.geteuid() == 0:
        assert {p.stat().st_uid for p in made} == {12345}
    assert [p.name for p in made[1].iterdir()] == ["file"]


# Reading


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("link", "a/b/file"),
        ("a/link", "../a/./b/file"),
        ("a/b/link", "../../a//b/file"),
        ("link", "{root}/a/b/file"),
        ("deep", "a/b"),
        ("up", "a/b/../../a"),
        ("self", "."),
    ],
)
def test_links_that_stay_inside_are_read(root: Path, link: str, target: str) -> None:
    (root / link).symlink_to(target.format(root=root))
    name = {"deep": "deep/file", "up": "up/b/file", "self": "self/self/a/b/file"}.get(link, link)
    assert read_bytes(root / name, within=root) == b"inside\r\n"
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert read_bytes(alias / name, within=alias) == b"inside\r\n"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("file", "../outside/file"),
        ("file", "{outside}/file"),
        ("a/file", "../../outside/file"),
        ("a/file", "b/../../../outside/file"),
        ("folder", "{outside}"),
        ("a/folder", "../../outside"),
        ("up", ".."),
        ("file", "/proc/self/cwd/../outside/file"),
        ("file", "{root}/../outside/file"),
        ("file", "{root}x/file"),
    ],
)
def test_links_that_leave_are_refused(root: Path, outside: Path, link: str, target: str) -> None:
    (root / link).symlink_to(target.format(root=root, outside=outside))
    name = {"folder": "folder/file", "a/folder": "a/folder/file", "up": "up/outside/file"}.get(link, link)
    with pytest.raises(Unreadable, match="a link that leads out of the project") as caught:
        read_bytes(root / name, within=root)
    assert caught.value.filename == str(root / name)


def test_a_link_through_two_links_is_refused_where_it_leaves(root: Path) -> None:
    (root / "one").symlink_to("a")
    (root / "a/two").symlink_to("../one/../../outside")
    with pytest.raises(Unreadable, match="a link that leads out of the project"):
        read_bytes(root / "one/two/file", within=root)


def test_what_is_not_a_file(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "zero").symlink_to("/dev/zero")
    (root / "loop").symlink_to("loop")
    (root / "there").symlink_to("a")
    for name, error in (
        ("fifo", Unreadable),
        ("zero", Unreadable),
        ("loop", OSError),
        ("there", IsADirectoryError),
        ("a", IsADirectoryError),
        ("", IsADirectoryError),
        ("none", FileNotFoundError),
        ("none/x", FileNotFoundError),
        ("a/b/file/x", NotADirectoryError),
    ):
        with pytest.raises(error):
            read_bytes(root / name, within=root)


def test_what_is_written_as_outside_is_the_projects_word(root: Path, outside: Path) -> None:
    """`replace example.com/lib => ../lib`"""
    assert read_bytes(root / "../outside/file", within=root) == SECRET


def test_one_reader_reads_many_and_keeps_nothing_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for folder in ("a", "a/c", "d/e/f"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "x").write_text(folder)
    with Beneath(root) as tree:
        for folder in ("a", "a/c", "d/e/f", "a", "d/e/f", "a/c"):
            assert tree.read(f"{folder}/x").decode() == folder
            with pytest.raises(FileNotFoundError):
                tree.read(f"{folder}/none")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_walk_follows_no_link_and_ends(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (root / "a/loop").symlink_to("..")
    names = [e.name for e in beneath.walk(root, limit=100, passed_over=())]
    assert sorted(names) == ["a", "a/b", "a/b/file", "a/loop", "link"]
    assert len(list(beneath.walk(root, limit=2, passed_over=()))) == 2
    assert [e.name for e in beneath.walk(root, limit=9, passed_over=("a",))] in (["a", "link"], ["link", "a"])
