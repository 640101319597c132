"""What the outside world refuses is an error that a user reads, whichever adapter met it; a bug in devctl stays one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import astuple

from devctl.adapters.system.border import bordered
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.process import SystemProcesses
from devctl.cli import wiring
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError


@bordered(writes=("write",))
class Outside:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def read(self, path: Path) -> None:
        if self.error is not None:
            raise self.error

    def write(self, path: Path) -> None:
        self.read(path)

    def parts(self, path: Path) -> Iterator[int]:
        yield 1
        self.read(path)

    def held(self, path: Path) -> Any:
        return _held(lambda: self.read(path))


@contextmanager
def _held(look: Callable[[], None]) -> Iterator[None]:
    look()
    yield


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (_os_error(errno.EACCES), "unreadable-file", 3),
        (_os_error(errno.ELOOP), "unreadable-file", 3),
        (_os_error(errno.EIO), "unreadable-file", 3),
        (_os_error(errno.ENOSPC), "disk-full", 4),
        (_os_error(errno.EMFILE), "machine-limit", 4),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "unreadable-file", 3),
        (RecursionError(), "unreadable-file", 3),
        (MemoryError(), "machine-limit", 4),
        (json.JSONDecodeError("Expecting value", "x", 0), "engine-refused", 4),
        (ValueError("embedded null byte"), "unreadable-file", 3),
    ],
)
def test_what_is_refused_is_typed(error: Exception, code: str, exit_code: int) -> None:
    outside = Outside(error)
    calls: list[Callable[[Path], object]] = [
        outside.read,
        lambda path: list(outside.parts(path)),
        lambda path: outside.held(path).__enter__(),
    ]
    for call in calls[:2] if code == "unreadable-file" else calls:
        with pytest.raises(DevctlError) as told:
            call(Path("/shop/.env"))
        assert (told.value.code, told.value.exit_code) == (code, exit_code)
        assert told.value.problem.hint


def test_what_cannot_be_written_is_the_machines() -> None:
    with pytest.raises(MachineError) as told:
        Outside(_os_error(errno.EACCES)).write(Path("/shop/.devctl/x"))
    assert (told.value.code, told.value.problem.place) == ("not-writable", "/shop/.devctl/x")


def test_a_bug_stays_a_bug() -> None:
    for error in (ValueError("not a number"), KeyError("x"), TypeError("x")):
        with pytest.raises(type(error)):
            Outside(error).read(Path("/shop"))


def test_what_a_user_of_a_context_raises_is_left_alone() -> None:
    with pytest.raises(PermissionError), Outside().held(Path("/shop")):
        raise PermissionError


def test_every_adapter_of_a_workflow_is_bordered() -> None:
    box = wiring.toolbox(cast("Any", None))
    machine = box.machine()
    parts = [*astuple(box), *astuple(machine)]
    ours = [p for p in parts if type(p).__module__.startswith("devctl.adapters")] + [box.images()]
    plain = {"SystemClock"}
    assert {type(p).__name__ for p in ours if not hasattr(type(p), "__bordered__")} <= plain
    assert len(ours) > 12


def test_a_program_that_cannot_be_started_is_told_as_a_shell_does(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    script.write_text("no program")
    script.chmod(0o755)
    run = SystemProcesses().run
    assert [run([str(tmp_path / "none")]).code, run([str(script)]).code, run(["true", "a\0b"]).code] == [
        127,
        126,
        126,
    ]
    assert run(["true"], cwd=tmp_path / "none").stderr.endswith("does not exist")
    lines: list[str] = []
    with SystemProcesses().follow([str(script)], on_line=lambda stream, line: lines.append(line)) as runs:
        assert not runs()
    assert len(lines) == 1


def test_a_folder_that_may_not_be_entered_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, **how: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    files = SystemFiles()
    assert files.gone(tmp_path / "x") and not files.gone(tmp_path)
    monkeypatch.setattr(Path, "stat", refused)
    assert not files.gone(tmp_path / "x")


def test_typed_errors_pass_the_border_unchanged() -> None:
    error = FilesError("x", code="broken", hint="y")
    with pytest.raises(FilesError) as told:
        Outside(error).read(Path("/shop"))
    assert told.value is error


def test_ctrl_c_stays_ctrl_c_whatever_an_extension_made_of_it(tmp_path: Path) -> None:
    """tree-sitter's QueryError is a ValueError; a read that Ctrl-C hit may look like a file that cannot be read."""
    for error in (ValueError("Invalid predicate in pattern"), _os_error(errno.EIO)):
        error.__cause__ = KeyboardInterrupt()
        with pytest.raises(InterruptedByUser):
            Outside(error).read(tmp_path)


def test_the_folder_that_denies_it_is_the_one_to_open(tmp_path: Path) -> None:
    """A file that is not there, or not to be seen, cannot be made readable."""
    (tmp_path / "file").touch()
    for name, closed in (("a/b/.air.toml", tmp_path), ("file", tmp_path / "file")):
        with pytest.raises(FilesError) as raised:
            Outside(_os_error(errno.EACCES)).read(tmp_path / name)
        assert raised.value.problem.hint == f"chmod u+rX {closed}, as the user who owns it"
