"""A module that go.mod replaces with a folder outside the project: no image has it, and that is reported before anything is
built."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.system.files import SystemFiles
from devctl.cli import wiring
from devctl.domain.command.state import Mode
from devctl.domain.project.model import Project, Service, SourceCode
from devctl.errors import FilesError, ProjectError
from devctl.workflows.session.manifests import check_manifests, deps_fingerprint
from tests.cli.conftest import Ran, devctl
from tests.cli.scripted_docker import ScriptedDocker
from tests.helpers import build_tree

__all__ = ["devctl"]

MOD = "module example.com/bridge\n\ngo 1.26\n\nrequire example.com/greet v0.0.0\n\nreplace example.com/greet => ../../libs/greet\n"


def bridge(root: Path, *, mod: str = MOD) -> tuple[Any, Project]:
    (root / "libs/greet").mkdir(parents=True)
    (root / "libs/greet/go.mod").write_text("module example.com/greet\n")
    home = root / "services/bridge"
    home.mkdir(parents=True)
    (home / "go.mod").write_text(mod)
    bridge = Service(name="bridge", source=SourceCode(module="example.com/bridge"))
    project = Project(
        root=home, name="bridge", services=(bridge,), model={"services": {}},
        generated=True, go_version="1.26", bases={}, mirror=None, owner=(0, 0),
    )  # fmt: skip
    return SimpleNamespace(files=SystemFiles(), host=SimpleNamespace(env=lambda _: None)), project


@pytest.mark.parametrize(("mode", "kind"), [("dev", FilesError), ("prod", ProjectError)])
def test_it_is_refused_with_its_line_and_the_folder_that_holds_both(
    tmp_path: Path, mode: Mode, kind: type[Exception]
) -> None:
    box, project = bridge(tmp_path)
    with pytest.raises(kind) as raised:
        check_manifests(box.files, project, mode=mode)
    problem = cast("FilesError", raised.value).problem
    assert (problem.code, problem.place) == ("replaced-outside", "go.mod:7")
    assert "../../libs/greet" in problem.message and "devctl -C ../.. up" in problem.hint


def test_the_compose_file_of_the_project_is_named_from_above(tmp_path: Path) -> None:
    box, project = bridge(tmp_path)
    project = replace(project, compose_files=("compose.override.yaml", "compose.yaml"))
    with pytest.raises(FilesError) as raised:
        check_manifests(box.files, project, mode="dev")
    files = "services/bridge/compose.yaml:services/bridge/compose.override.yaml"
    assert raised.value.problem.hint.startswith(f"COMPOSE_FILE={files} devctl -C ../.. up")


def test_a_folder_of_the_project_and_a_vendored_module_are_no_matter(tmp_path: Path) -> None:
    box, project = bridge(tmp_path / "inside", mod=MOD.replace("../../libs", "./libs"))
    inside = project.root / "libs/greet"
    inside.mkdir(parents=True)
    (inside / "go.mod").write_text("module example.com/greet\n")
    check_manifests(box.files, project, mode="dev")
    box, project = bridge(tmp_path / "vendored")
    before = deps_fingerprint(cast("Any", box).files, project, project.services[0])
    (project.root / "vendor").mkdir()
    (project.root / "vendor/modules.txt").write_text("# example.com/greet v0.0.0 => ../../libs/greet\n")
    check_manifests(box.files, project, mode="dev")
    assert deps_fingerprint(cast("Any", box).files, project, project.services[0]) != before


@pytest.mark.parametrize(
    ("folder", "submodule", "hint"),
    [
        (True, False, "cd libs/greet && go mod init example.com/greet"),
        (True, True, "git submodule update --init libs/greet"),
        (False, True, "git submodule update --init libs/greet"),
        (False, False, "restore libs/greet; or, if the code no longer needs it: "
            "go mod edit -dropreplace=example.com/greet && go mod tidy"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_a_module_is_named_with_what_makes_it_one(
    tmp_path: Path, folder: bool, submodule: bool, hint: str
) -> None:
    box, project = bridge(tmp_path, mod=MOD.replace("../../libs", "./libs"))
    if folder:
        (project.root / "libs/greet").mkdir(parents=True)
    if submodule:
        (project.root / ".gitmodules").write_text('[submodule "greet"]\n\tpath = libs/greet\n')
    with pytest.raises(FilesError) as raised:
        check_manifests(box.files, project, mode="prod")
    problem = raised.value.problem
    assert (problem.code, problem.place, problem.hint) == ("replaced-missing", "go.mod:7", hint)


def test_a_replacement_that_nothing_requires_is_not_read(tmp_path: Path) -> None:
    unneeded = MOD.replace("require example.com/greet v0.0.0\n", "")
    box, project = bridge(tmp_path, mod=unneeded)
    check_manifests(box.files, project, mode="dev")


def test_a_command_that_is_told_is_one_command(tmp_path: Path) -> None:
    """Whoever copies it runs it in a shell."""
    mod = MOD.replace("../../libs", "./libs").replace("example.com/greet", '"example.com/$(evil)"')
    box, project = bridge(tmp_path, mod=mod)
    with pytest.raises(FilesError) as raised:
        check_manifests(box.files, project, mode="prod")
    assert raised.value.problem.hint.endswith("go mod edit '-dropreplace=example.com/$(evil)' && go mod tidy")


@pytest.mark.follows("git submodule update --init …")
def test_a_submodule_that_was_not_fetched_is_there_after_the_command(
    tmp_path: Path, hinted: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (key, value) in enumerate(
        {"protocol.file.allow": "always", "user.name": "x", "user.email": "x@example.com"}.items()
    ):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")

    def shell(command: str, folder: Path) -> None:
        subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)

    greet = build_tree(tmp_path / "greet", {"go.mod": "module example.com/greet\n"})
    shell("git init -q . && git add . && git commit -qm one", greet)
    box, project = bridge(tmp_path / "all", mod=MOD.replace("../../libs", "./libs"))
    commit = f"git init -q . && git submodule add -q {greet} libs/greet && git add . && git commit -qm two"
    shell(commit, project.root)
    shell(f"git clone -q {project.root} clone", tmp_path)
    project = replace(project, root=tmp_path / "clone")
    with pytest.raises(FilesError) as raised:
        check_manifests(box.files, project, mode="prod")
    shell(hinted(raised.value.problem.hint), project.root)
    check_manifests(box.files, project, mode="prod")


@pytest.mark.follows(
    "COMPOSE_FILE=… devctl -C … up: that folder contains both, and is the `context` to build from"
)
def test_from_the_folder_that_holds_both_the_compose_file_builds(
    tmp_path: Path, hinted: Callable[[str], str], devctl: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = ScriptedDocker("answers", present=True, env=os.environ)
    monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
    _, project = bridge(tmp_path)
    main = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
    compose = "services:\n  bridge:\n    build: .\n"
    monkeypatch.chdir(build_tree(project.root, {"main.go": main, "compose.yaml": compose}))
    told = devctl("--json", "up", "--dry-run").envelope["error"]
    variable, *words = hinted(told["hint"]).partition(":")[0].split()
    monkeypatch.setenv(*variable.split("="))
    (project.root / "compose.yaml").write_text(compose.replace("build: .", "build: {context: ../..}"))
    assert words[0] == "devctl"
    ran = devctl("--json", *words[1:], "--dry-run")
    assert (ran.code, ran.envelope["error"]) == (0, None)
