"""Hints whose fault is not a file: a listing of packages, a base without a compiler, a number on the command line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.adapters.docker.differences import Differences
from devctl.adapters.system.host import SystemHost, child_environment
from devctl.cli import wiring
from devctl.domain.dockerfile.stages import external_base, find_stage, has_shell
from devctl.domain.doctor import room
from devctl.domain.failures import explain
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.image.readiness.input import Inspected
from devctl.domain.image.readiness.rules import embedded
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.air_toml import endings
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, Finding
from devctl.workflows.advice.advice import require_compiler
from devctl.workflows.project.load import load
from devctl.workflows.session.session import open_session
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker
from tests.domain.test_checks import HEALTHY, INFO
from tests.domain.test_readiness import GOOD
from tests.failures.samples import told_by
from tests.fakes import FakeReporter, World
from tests.helpers import build_tree
from tests.hints.dockerfile_rows import BUILD, BUILT, GO, RUNNER
from tests.hints.follow import edit, into_yaml, said
from tests.hints.rows.built import BASES
from tests.hints.rows.readiness_rows import CGO

WITH_C = ("/usr/bin/gcc",)
INSTALLED = ("golang:1.26-bookworm",)
"""Bases with gcc."""


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
    docker = ScriptedDocker("answers", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)


def project(root: Path) -> Project:
    return load(wiring.toolbox(FakeReporter(World())), root)


@pytest.mark.follows(
    "run devctl init and add their extensions to include_ext in .air.toml; until then, save a Go file too"
)
def test_files_that_a_library_embeds_are_watched(
    devctl: Callable[..., Ran], hinted: Callable[[str], str], tmp_path: Path
) -> None:
    def found() -> Finding | None:
        service, text = project(tmp_path).services[0], wiring.toolbox(FakeReporter(World())).templates
        # As in workflows/preview/inspect_image.py: how a dev stage of the user's builds is theirs.
        ours = service.build.dev_stage is None
        rebuilt = endings(text.read("go-service/.air.toml")) if ours else None
        return embedded(
            Inspected(GOOD, service, listed=Listing(embedded=("lib/words.dat",)), rebuilt_by=rebuilt)
        )

    build_tree(tmp_path, GO)
    before = found()
    assert before is not None
    hinted(before.hint)
    assert devctl("-C", str(tmp_path), "init", "-y").code == 0
    edit(".air.toml", "include_ext = [", lambda hint: 'include_ext = ["dat", ')(
        tmp_path, {"hint": before.hint}
    )
    assert "dat" in endings((tmp_path / ".air.toml").read_text())
    assert found() is None


def refused(root: Path, base: tuple[str, ...] = ()) -> DevctlError | None:
    """What `up` says before it builds, on a machine whose bases have gcc where their names say so."""
    box = wiring.toolbox(FakeReporter(World()))

    def read(ref: str, *, files: bool) -> ImageFacts:
        return replace(GOOD, files=frozenset(WITH_C if ref in INSTALLED else BASES.get(ref, ())))

    box = replace(box, images=lambda: SimpleNamespace(read=read))
    session = open_session(box, load(box, root), mode="dev")
    try:
        require_compiler(box, session, [run.service for run in session.runs])
    except DevctlError as error:
        return error
    return None


@pytest.mark.follows("devctl.yaml: `bases: {golang: golang:…-bookworm}` (it has gcc)")
def test_a_base_with_a_compiler_is_named(hinted: Callable[[str], str], tmp_path: Path) -> None:
    build_tree(tmp_path, CGO)
    build_tree(tmp_path, {"devctl.yaml": 'version: 1\nbases: {golang: "golang:1.26-alpine"}\n'})
    before = refused(tmp_path)
    assert before is not None
    into_yaml("devctl.yaml")(tmp_path, {"hint": hinted(before.problem.hint)})
    assert refused(tmp_path) is None


STAGE = 'FROM golang:1.26-alpine AS dev\nWORKDIR /app\nRUN go install github.com/air-verse/air@v1.67.2\nCMD ["air"]\n'


@pytest.mark.parametrize("way", ["package", "base", "without"])
@pytest.mark.follows(
    "`RUN apk add --no-cache gcc musl-dev` in stage … of …, or FROM golang:…-bookworm, which has gcc; if that part of the code is not used, devctl.yaml: `services: {…: {build: {env: {CGO_ENABLED: '0'}}}}`"
)
def test_a_stage_without_a_compiler_gets_one(way: str, hinted: Callable[[str], str], tmp_path: Path) -> None:
    compose = "services:\n  api:\n    build: {context: ., target: dev}\n    volumes: ['.:/app']\n"
    build_tree(tmp_path, {**CGO, "Dockerfile": STAGE + BUILD + RUNNER, "compose.yaml": compose})
    before = refused(tmp_path)
    assert before is not None
    told = {"hint": hinted(before.problem.hint)}
    if way == "package":
        edit("Dockerfile", "WORKDIR /app", lambda _hint: f"{said(told)}\nWORKDIR /app")(tmp_path, told)
    elif way == "base":
        named = re.search(r"FROM golang:\S+bookworm", told["hint"])
        assert named is not None
        edit("Dockerfile", "FROM golang:1.26-alpine AS dev", lambda _hint: f"{named[0]} AS dev")(
            tmp_path, told
        )
    else:
        into_yaml("devctl.yaml", 1)(tmp_path, told)
    assert refused(tmp_path) is None


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        pytest.param(
            ("--budget", "much"),
            at,
            marks=pytest.mark.follows("--budget 12MB (10^6) or --budget 10MiB (2^20)"),
        )
        for at in (0, 1)
    ]
    + [pytest.param(("--bases", "windows"), 0, marks=pytest.mark.follows("--bases …, or a subset"))],
)
def test_what_size_is_asked_for(
    asked: tuple[str, str], way: int, devctl: Callable[..., Ran], hinted: Callable[[str], str], tmp_path: Path
) -> None:
    build_tree(tmp_path, GO)
    called = ("-C", str(tmp_path), "--json", "--dry-run", "size")
    error = devctl(*called, *asked).envelope["error"]
    words = re.findall(r"--\w+ \w+(?:,\w+)*", hinted(error["hint"]))[way].split()
    ended = devctl(*called, *words).envelope["error"]
    assert ended is None or ended["code"] != error["code"], ended


@pytest.mark.follows(
    "give the engine's machine 2 GB or more; until then, build one package at a time: devctl.yaml: `services: {NAME: {build: {env: {GOFLAGS: '-p=1'}}}}`"
)
def test_an_engine_with_little_memory(hinted: Callable[[str], str], tmp_path: Path) -> None:
    verdict = room.memory.judge(replace(HEALTHY, info=replace(INFO, memory_bytes=1_000_000_000)))
    assert verdict is not None
    told = {"hint": hinted(verdict.hint)}
    build_tree(tmp_path, {**GO, "compose.yaml": BUILT})
    into_yaml("devctl.yaml", NAME="api")(tmp_path, told)
    assert project(tmp_path).services[0].build.env["GOFLAGS"] == "-p=1"


@pytest.mark.parametrize(
    ("sample", "name", "values"),
    [
        pytest.param(
            "buildkit-needed-1",
            "DOCKER_BUILDKIT",
            ("0", "1"),
            marks=pytest.mark.follows("unset DOCKER_BUILDKIT"),
        ),
        pytest.param(
            "git-include-off-1",
            "COMPOSE_EXPERIMENTAL_GIT_REMOTE",
            ("false", "true"),
            marks=pytest.mark.follows(
                "keep a copy of that file here and include the copy; or, if you trust this folder, export COMPOSE_EXPERIMENTAL_GIT_REMOTE=true"
            ),
        ),
    ],
)
def test_a_variable_of_the_shell_reaches_docker(
    sample: str,
    name: str,
    values: tuple[str, str],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after = values
    monkeypatch.setenv(name, before)
    assert in_a_build()[name] == before
    command, _, words = re.search(r"(unset|export) (.*)", hinted(told_by(sample)))[0].partition(" ")  # type: ignore[index]
    if command == "unset":
        monkeypatch.delenv(words)
    else:
        monkeypatch.setenv(*words.split("="))
    assert in_a_build()[name] == after


def in_a_build() -> dict[str, str]:
    engine: Any = SimpleNamespace(run=lambda argv, **how: Finished(0, "null", ""))
    return child_environment(Differences(engine).build_environment())


@pytest.mark.follows("git config --global --add safe.directory …")
def test_a_folder_of_another_owner_is_told_to_git(
    hinted: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", folder], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to try this
    refused = subprocess.run(["git", "status"], cwd=folder, capture_output=True, text=True)
    known = explain("build", refused.stderr, exit_code=refused.returncode)
    assert known is not None and known.code == "git-ownership", refused.stderr
    subprocess.run(["sh", "-c", hinted(known.hint)], check=True)
    assert subprocess.run(["git", "status"], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.follows("do it in Go, or use a base that has it: devctl prod-preview --base alpine")
def test_a_base_that_has_a_shell(
    devctl: Callable[..., Ran], hinted: Callable[[str], str], tmp_path: Path
) -> None:
    build_tree(tmp_path, {**GO, "compose.yaml": BUILT})
    *_, base = words = hinted(told_by("shell-needed-2")).partition(": devctl ")[2].split()
    assert devctl("-C", str(tmp_path), "--dry-run", *words).code == 0
    box = wiring.toolbox(FakeReporter(World()))
    session = open_session(box, load(box, tmp_path), mode="prod", base=base)
    (run,) = session.runs
    facts = session.dockerfile(box.sources, run)
    stage = find_stage(facts, run.stage)
    assert stage is not None and has_shell(external_base(facts, stage))
