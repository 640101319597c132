"""What a project may contain in place of a file: nothing is waited for, read without limit, or taken from outside."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from devctl.adapters.docker.compose import ComposeCli
from devctl.adapters.go import reader as go_source
from devctl.adapters.project_files.config_file import problems
from devctl.adapters.project_files.dockerfile import read as read_dockerfile
from devctl.adapters.project_files.yaml_positions import positions, read_document, texts
from devctl.adapters.system.files import SystemFiles, go_digest
from devctl.adapters.system.process import SystemProcesses
from devctl.adapters.system.regular_file import LIMIT, Unreadable, read_bytes, walk
from devctl.adapters.system.tree_fingerprint import fingerprint
from devctl.domain.ports.toolbox import Finished
from devctl.errors import FilesError
from tests.helpers import build_tree

GO = {"go.mod": "module example.com/x\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n"}
BOMB = "x0: &x0 [a,a,a,a,a,a,a,a,a]\n" + "".join(
    f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 9)
)


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    signal.alarm(60)
    yield
    signal.alarm(0)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as sink:
        sink.truncate(LIMIT + 1)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


PLANTED: dict[str, Callable[[Path], None]] = {
    "fifo": os.mkfifo,
    "endless": endless,
    "huge": huge,
    "loop": loop,
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_not_a_source_file_is_passed_over(tmp_path: Path, what: str) -> None:
    root = build_tree(tmp_path, GO)
    for name in ("a.go", "package.json", "Makefile", "config.yaml", ".env"):
        PLANTED[what](root / name)
    (module,) = go_source.read(root).modules
    assert [p.name for p in module.packages] == ["main"]


@pytest.mark.parametrize("what", PLANTED)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, what: str) -> None:
    root = build_tree(tmp_path, {**GO, "examples/go.mod": "x"})
    (root / "go.mod").unlink()
    PLANTED[what](root / "go.mod")
    with pytest.raises(FilesError) as caught:
        go_source.read(root)
    assert (caught.value.code, caught.value.problem.place) == ("unreadable-file", "go.mod")


def test_a_link_is_followed_inside_of_the_project_alone(tmp_path: Path) -> None:
    outside = build_tree(
        tmp_path / "outside", {"b.go": 'package main\n\nimport _ "net/http"\n', "go.mod": GO["go.mod"]}
    )
    root = build_tree(tmp_path / "in", {**GO, "real/c.go": 'package main\n\nimport _ "os"\n'})
    (root / "b.go").symlink_to(outside / "b.go")
    (root / "c.go").symlink_to("real/c.go")
    (module,) = go_source.read(root).modules
    assert {p.dir: p.imports for p in module.packages}["."] == ("os",)
    (root / "go.mod").unlink()
    (root / "go.mod").symlink_to(outside / "go.mod")
    with pytest.raises(FilesError, match="a link that leads out of the project") as caught:
        go_source.read(root)
    assert caught.value.code == "unreadable-file"


@pytest.mark.parametrize("what", PLANTED)
def test_every_reader_of_the_project_ends(tmp_path: Path, what: str) -> None:
    path = tmp_path / "devctl.yaml"
    PLANTED[what](path)
    with pytest.raises(FilesError) as caught:
        SystemFiles().read_text(path, within=tmp_path)
    assert caught.value.code == "unreadable-file"
    (problem,) = problems(tmp_path)
    assert (problem.code, problem.place) == ("broken-config", "devctl.yaml")
    assert (positions(path)(("a",)), texts(path)) == (None, [])
    with pytest.raises(FilesError):
        read_dockerfile(path, root=tmp_path)
    fingerprint(tmp_path, without=())


def test_a_file_that_grows_is_bounded() -> None:
    with pytest.raises(Unreadable, match=r"larger than 0\.001 MB"):
        read_bytes("/proc/self/smaps", limit=1000)  # its size is 0 for the first one who asks


def test_trees_deeper_than_the_stack_are_walked(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        depth = sys.getrecursionlimit() + 200
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        os.chdir(tmp_path)
        assert len(list(walk("."))) > sys.getrecursionlimit()
        assert go_source.read(build_tree(tmp_path, GO)).modules
        go_digest(str(tmp_path))
    finally:  # rmtree recurses too
        os.chdir(tmp_path)
        down = 0
        while Path("d").is_dir():
            os.chdir("d")
            down += 1
        for _ in range(down):
            os.chdir("..")
            Path("d").rmdir()
        os.chdir(here)


def test_a_walk_is_that_of_the_system(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"a/b/c": "", "a/d": "", "e": "", "vendor/x": ""})
    (root / "link").symlink_to("a")
    (root / "loop").symlink_to("loop")

    def seen(walked: Any) -> list[tuple[str, list[str], list[str]]]:
        found = []
        for folder, names, files in walked:
            names[:] = sorted(n for n in names if n != "vendor")
            found.append((folder, list(names), sorted(files)))
        return found

    assert seen(walk(root)) == seen(os.walk(root))


@pytest.mark.parametrize(
    ("text", "what"),
    [(BOMB, "100,000 values"), ("a: " + "[" * 5000, "nested"), ("a: " + "{a: " * 3000, "nested")],
)
def test_yaml_that_stands_for_more_than_memory_is_refused(text: str, what: str) -> None:
    with pytest.raises(FilesError, match=what) as caught:
        read_document(text, path="devctl.yaml", code="broken-config")
    assert caught.value.problem.place == "devctl.yaml"


class NoProcess:
    def run(self, argv: Any, **how: Any) -> Finished:
        raise AssertionError("compose is not asked")


@pytest.mark.parametrize("name", ["compose.yaml", ".env"])
@pytest.mark.parametrize("what", ["fifo", "endless", "huge"])
def test_compose_is_given_nothing_that_it_would_not_finish(tmp_path: Path, name: str, what: str) -> None:
    PLANTED[what](tmp_path / name)
    with pytest.raises(FilesError) as caught:
        ComposeCli(cast("Any", NoProcess()), print).config(tmp_path, [tmp_path / "compose.yaml"])
    assert (caught.value.code, caught.value.problem.place) == ("unreadable-file", name)


def test_compose_is_given_no_alias_bomb(tmp_path: Path) -> None:
    """It expands them all: 443 bytes took 9 GB and ten minutes."""
    (tmp_path / "compose.yaml").write_text(f"{BOMB}services: {{app: {{image: alpine, command: *x8}}}}\n")
    with pytest.raises(FilesError, match="nested aliases"):
        ComposeCli(cast("Any", NoProcess()), print).config(tmp_path, [tmp_path / "compose.yaml"])


def test_a_compose_that_hangs_is_ended_with_its_plugin(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = SystemProcesses().run(["sh", "-c", f"sleep 600 & echo $! >{note}; wait"], timeout=2)
    assert done.code == 124
    plugin, deadline = int(note.read_text()), time.monotonic() + 60
    while lives(plugin):
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Not even one that only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False
