"""Whether standard input can give anything decides whether it is handed to the program in a container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASK = "from devctl.adapters.system.host import SystemHost; print(SystemHost().has_input())"


@pytest.mark.parametrize(("stdin", "expected"), [(subprocess.DEVNULL, "False"), (subprocess.PIPE, "True")])
def test_the_null_device_gives_nothing_and_a_pipe_may(stdin: int, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK], stdin=stdin, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_a_file_gives_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("ls\n")
    with (tmp_path / "input").open() as stdin:
        done = subprocess.run(
            [sys.executable, "-c", ASK], stdin=stdin, capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "True"


def test_a_closed_one_gives_nothing() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", ASK]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"
