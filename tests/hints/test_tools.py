"""Hints of the dictionary of failures: the tool really says it, devctl explains it, and after what the hint says the tool is content."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devctl.domain.failures import explain
from devctl.domain.failures.entry import Asked
from tests.engine.cli import docker
from tests.engine.compiled import PLACE, image
from tests.helpers import open_to_others
from tests.hints.engine_rows import ROWS as ENGINE
from tests.hints.follow import Fault
from tests.hints.go_rows import NOBODYS
from tests.hints.go_rows import ROWS as GO
from tests.ports import free_port

pytestmark = pytest.mark.engine
Run = Callable[[str, Path], subprocess.CompletedProcess[str]]


def ends_well(fault: Fault, root: Path, hinted: Callable[[str], str], run: Run, asked: Asked) -> None:
    fault.made(root)
    [command] = fault.words
    failed = run(command, root)
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0, said
    known = explain(asked, said, exit_code=failed.returncode, service="api")
    assert known is not None and known.code == fault.code, said
    hinted(known.hint)
    then = fault.follow(root, {"hint": known.hint, "place": known.place})
    done = run(then[0] if isinstance(then, tuple) else command, root)
    assert done.returncode == 0, f"{known.hint}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def go_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A container with Go for all rows, with the standard library compiled: also for the user `nobody`, who can read no other's."""
    folder = tmp_path_factory.mktemp("go")
    open_to_others(folder)
    name = f"devctl-hints-{uuid.uuid4().hex[:8]}"
    with image() as std:
        words = ("--name", name, "-v", f"{folder}:{folder}", "-e", f"GOCACHE={PLACE}")
        docker("run", "-d", "--rm", *words, std, "sleep", "7200")
        try:
            docker("exec", name, "sh", "-c", f"cp -r {PLACE} {NOBODYS} && chown -R nobody {NOBODYS}")
            yield name, folder
        finally:
            docker("rm", "-f", name)


@pytest.mark.parametrize("fault", GO)
def test_what_go_says(fault: Fault, go_box: tuple[str, Path], hinted: Callable[[str], str]) -> None:
    name, folder = go_box

    def run(command: str, root: Path) -> subprocess.CompletedProcess[str]:
        words = ["docker", "exec", "-w", str(root), name, "sh", "-c", command]
        return subprocess.run(words, capture_output=True, text=True)

    ends_well(fault, folder / uuid.uuid4().hex[:8], hinted, run, "reload")


@pytest.mark.parametrize("fault", ENGINE)
def test_what_the_engine_says(fault: Fault, tmp_path: Path, hinted: Callable[[str], str]) -> None:
    name, port = f"hints{uuid.uuid4().hex[:8]}", str(free_port())

    def mine(text: str) -> str:
        return text.replace("NAME", name).replace("PORT", port).replace("ROOT", str(tmp_path))

    def run(command: str, root: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", mine(command)], cwd=root, capture_output=True, text=True)

    files = {path: mine(str(text)) for path, text in fault.files.items()}
    try:
        ends_well(replace(fault, files=files), tmp_path, hinted, run, "compose")
    finally:
        run("docker compose -p NAME down -v -t 0; docker rm -f NAME-api NAME-holder", tmp_path)
        run(
            "docker network rm NAME-other NAME-back NAME_back NAME_default; docker volume rm NAME-data",
            tmp_path,
        )
