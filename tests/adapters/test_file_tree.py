"""A folder's fingerprint: any change is seen, what the build does not read is left out, and doubt says None."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.system import tree_fingerprint as file_tree
from devctl.adapters.system.tree_fingerprint import fingerprint
from tests.helpers import build_tree

FILES = {
    "main.go": "package main\n",
    "web/page.html": "<p>\n",
    ".git/HEAD": "x\n",
    "a/node_modules/m.js": "x\n",
}
WITHOUT = ("# a comment", "", ".git", "**/node_modules", "*.md", ".devctl")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files count as old, whenever they were made."""
    build_tree(tmp_path, FILES)
    monkeypatch.setattr(file_tree, "SETTLED", -(10**18))
    return tmp_path


def edit(root: Path) -> None:
    (root / "main.go").write_text("package mein\n")


def edit_and_hide_the_time(root: Path) -> None:
    was = (root / "main.go").stat()
    (root / "main.go").write_text("package mein\n")
    os.utime(root / "main.go", ns=(was.st_atime_ns, was.st_mtime_ns))


def link(root: Path) -> None:
    (root / "linked").symlink_to("main.go")


CHANGES: tuple[Callable[[Path], object], ...] = (
    edit,
    edit_and_hide_the_time,
    link,
    lambda root: (root / "new.go").write_text(""),
    lambda root: (root / "web/page.html").unlink(),
    lambda root: (root / "web").rename(root / "www"),
    lambda root: (root / "main.go").chmod(0o755),
    lambda root: (root / "empty").mkdir(),
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(tree: Path, change: Callable[[Path], object]) -> None:
    before = fingerprint(tree, without=WITHOUT)
    assert before is not None and fingerprint(tree, without=WITHOUT) == before
    time.sleep(0.02)  # file systems count time in ticks; that is what SETTLED is for
    change(tree)
    assert fingerprint(tree, without=WITHOUT) != before


@pytest.mark.parametrize("path", [".git/HEAD", "a/node_modules/m.js", ".devctl/serving.json"])
def test_what_is_left_out_does_not_count(tree: Path, path: str) -> None:
    before = fingerprint(tree, without=WITHOUT)
    build_tree(tree, {path: "another"})
    assert fingerprint(tree, without=WITHOUT) == before


def test_a_line_that_takes_back_lets_everything_count_but_our_own_folder(tree: Path) -> None:
    without = (".git", "!.git/HEAD", ".devctl")
    before = fingerprint(tree, without=without)
    build_tree(tree, {".devctl/serving.json": "x"})
    assert fingerprint(tree, without=without) == before
    build_tree(tree, {".git/HEAD": "another"})
    assert fingerprint(tree, without=without) != before


def test_what_was_changed_just_now_is_in_doubt(tmp_path: Path) -> None:
    build_tree(tmp_path, {"main.go": ""})
    os.utime(tmp_path / "main.go", (time.time() + 3600, time.time() + 3600))
    assert fingerprint(tmp_path, without=()) is None


def test_too_much_is_in_doubt(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_tree, "MOST", 2)
    assert fingerprint(tree, without=WITHOUT) is None
