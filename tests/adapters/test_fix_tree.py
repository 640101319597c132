"""`doctor --fix` in a hostile project: nothing outside it is written, and nothing of another user's is given away."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.doctor.fix_tree import FolderFixes
from devctl.adapters.doctor.tree import look_at
from devctl.adapters.system import beneath
from devctl.domain.doctor.facts import MachineFacts, TreeFacts
from devctl.domain.doctor.fixer import Fixer
from devctl.domain.doctor.project import LINE_ENDINGS, X_BITS, ownership
from devctl.domain.ports.toolbox import Finished
from devctl.errors import MachineError
from tests.helpers import build_tree

SCRIPT = b"#!/bin/sh\r\necho hello\r\n"
OWNER = (12345, 23456) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


class NoGit:
    def run(self, argv: Any, **how: Any) -> Finished:
        return Finished(128, "", "")


def seen(root: Path) -> TreeFacts:
    return look_at(root, cast("Any", NoGit()))


def fixes(processes: object, *, root: bool = False) -> FolderFixes:
    return FolderFixes(cast("Any", processes), root=root)


def by(tree: TreeFacts) -> Fixer:
    return cast("Fixer", SimpleNamespace(installer=fixes(NoGit()), tree=lambda: tree))


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "bashrc"
    path.write_bytes(b"precious\r\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = build_tree(tmp_path / "root", {"Dockerfile": 'FROM alpine\nENTRYPOINT ["/app/run.sh"]\n'})
    (root / "run.sh").write_bytes(SCRIPT)
    os.chown(root, *OWNER)
    return root


def test_line_endings_are_fixed_beside_a_planted_link(root: Path, precious: Path) -> None:
    (root / ".run.sh.devctl").symlink_to(precious)
    assert LINE_ENDINGS.do(by(seen(root))) == "LF line endings in run.sh"
    assert (root / "run.sh").read_bytes() == SCRIPT.replace(b"\r", b"")
    assert precious.read_bytes() == b"precious\r\n"
    assert (root / ".run.sh.devctl").is_symlink()


@pytest.mark.follows("ls -l … shows what it is; replace it with a regular file")
def test_what_became_a_link_after_the_look_is_left(
    root: Path, precious: Path, hinted: Callable[[str], str]
) -> None:
    tree = seen(root)
    assert tree.crlf_scripts == tree.locked_scripts == ("run.sh",)
    (root / "run.sh").unlink()
    (root / "run.sh").symlink_to(precious)
    for fix in (LINE_ENDINGS, X_BITS):
        with pytest.raises(
            MachineError, match=r"run\.sh was not changed: run\.sh is a symbolic link"
        ) as caught:
            fix.do(by(tree))
        assert caught.value.code == "not-fixed"
    assert (precious.read_bytes(), stat.S_IMODE(precious.stat().st_mode)) == (b"precious\r\n", 0o600)
    path = root / hinted(caught.value.problem.hint).split()[2]
    path.unlink()
    path.write_bytes(SCRIPT)
    for fix in (LINE_ENDINGS, X_BITS):
        fix.do(by(tree))
    assert (seen(root).crlf_scripts, seen(root).locked_scripts) == ((), ())


@pytest.mark.follows(
    "adapters/doctor/fix_tree.py | sudo chown -hR …:… …", "domain/doctor/project.py | sudo chown -hR …:… …"
)
def test_files_are_given_to_their_owner_by_hand(
    root: Path, precious: Path, hinted: Callable[[str], str]
) -> None:
    (root / "mine").write_text("")
    (root / "link").symlink_to(precious)
    before, tree = owner_of(precious), seen(root)
    with pytest.raises(MachineError) as caught:
        fixes(NoGit()).set_owner(tree, image="")
    found = ownership.judge(MachineFacts(tree=replace(tree, foreign_count=1)))
    assert found is not None
    by_hand = found.hint.partition(", or: ")[2]
    assert hinted(caught.value.problem.hint) == hinted(by_hand)
    subprocess.run(["sh", "-ec", by_hand.removeprefix("sudo ")], check=True)
    assert {owner_of(root / name) for name in ("mine", "link", "run.sh")} == {OWNER}
    assert (seen(root).foreign, owner_of(precious)) == ((), before)


def test_a_script_behind_a_folder_that_became_a_link_is_left(root: Path, tmp_path: Path) -> None:
    (root / "scripts").mkdir()
    (root / "run.sh").rename(root / "scripts/run.sh")
    tree = seen(root)
    (root / "scripts").rename(tmp_path / "elsewhere")
    (root / "scripts").symlink_to(tmp_path / "elsewhere")
    for fix in (LINE_ENDINGS, X_BITS):
        with pytest.raises(MachineError):
            fix.do(by(tree))
    assert (tmp_path / "elsewhere/run.sh").read_bytes() == SCRIPT


def test_the_x_bit_is_set_for_whom_it_may_be_read(root: Path) -> None:
    (root / "run.sh").chmod(0o640)
    X_BITS.do(by(seen(root)))
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o750


def foreign(root: Path, precious: Path) -> None:
    """What root can find in a project that is not root's; other users cannot make it, nor give it away."""
    (root / "mine").write_text("")
    (root / "folder").mkdir()
    (root / "link").symlink_to(precious)
    os.mkfifo(root / "fifo")
    os.link(precious, root / "hard")
    if os.geteuid() == 0:
        os.mknod(root / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 250))


def owner_of(path: Path) -> tuple[int, int]:
    facts = path.lstat()
    return facts.st_uid, facts.st_gid


def test_a_device_and_a_second_name_stay_who_they_are(root: Path, precious: Path) -> None:
    foreign(root, precious)
    before = owner_of(precious)
    did = fixes(NoGit(), root=True).set_owner(seen(root), image="")
    assert owner_of(precious) == before
    if os.geteuid() != 0:
        return
    assert did.endswith("; 2 devices and files with hard links were left unchanged"), did
    assert {owner_of(root / name) for name in ("mine", "folder", "link", "fifo", "run.sh")} == {OWNER}
    assert (owner_of(root / "hard"), owner_of(root / "disk")) == (before, (0, 0))


def test_what_took_the_place_of_a_file_is_not_given_away(
    root: Path, precious: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the change: a hard link, a link or a device of the same name."""
    if os.geteuid() != 0:
        return
    for plant in (lambda p: os.link(precious, p), lambda p: p.symlink_to(precious)):
        (root / "mine").write_text("")
        real = beneath.give

        def late(entry: beneath.Entry, owner: beneath.Owner, plant: Any = plant, real: Any = real) -> None:
            if entry.name == "mine":
                (root / "mine").unlink()
                plant(root / "mine")
            real(entry, owner)

        with monkeypatch.context() as patched:
            patched.setattr(beneath, "give", late)
            fixes(NoGit(), root=True).set_owner(seen(root), image="")
        assert owner_of(precious) == (0, 0)
        (root / "mine").unlink()


def test_a_container_is_told_to_leave_the_same_alone(root: Path) -> None:
    told: list[list[str]] = []

    class Docker:
        def run(self, argv: Any, **how: Any) -> Finished:
            told.append(list(argv))
            return Finished(0, "", "")

    fixes(Docker()).set_owner(seen(root), image="alpine")
    argv = told[-1]
    assert "--entrypoint=find" in argv
    said = " ".join(argv[argv.index("/devctl") :])
    assert "-links 1 ! -type b ! -type c" in said
    assert f"! -uid {OWNER[0]}" in said and f"-exec chown -h {OWNER[0]}:{OWNER[1]} {{}} +" in said


def test_on_a_rootless_engine_files_are_given_to_its_root_who_is_the_user(root: Path) -> None:
    """Any other ID would be a stranger's outside of the container."""
    told: list[list[str]] = []

    class Docker:
        def run(self, argv: Any, **how: Any) -> Finished:
            told.append(list(argv))
            return Finished(0, '{"SecurityOptions": ["name=rootless"]}' if "info" in argv else "", "")

    fixes(Docker()).set_owner(seen(root), image="alpine")
    said = " ".join(told[-1])
    assert "! -uid 0 " in said and "-exec chown -h 0:0 {} +" in said
