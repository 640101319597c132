"""What is read of the files that compose makes its model from: once, of the project alone, and what waits for a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.sources import ProjectSources
from devctl.adapters.system.files import SystemFiles
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_inputs import ComposeInputs
from devctl.workflows.project.compose_inputs import read_inputs
from devctl.workflows.project.find import find_compose
from tests.fakes import World
from tests.helpers import build_tree

SHOP = "services:\n  shop:\n    build: .\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build_tree(tmp_path / "elsewhere", {"x.env": "A=b\n"})
    return build_tree(tmp_path / "shop", {"compose.yaml": SHOP})


def read(root: Path, *, alone: bool = True, env: dict[str, str] | None = None) -> ComposeInputs:
    world = World()
    world.env |= env or {}
    box: Toolbox = replace(world.box(), files=SystemFiles(), sources=ProjectSources())
    return read_inputs(box, root, find_compose(box.files, box.host, root), outside=() if alone else None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("    env_file: ../elsewhere/x.env\n", "the content of ../elsewhere/x.env"),
        ("    env_file: [a.env, {path: ~/x}]\n", "the content of ~/x"),
        ("    env_file: $X\n", "the content of $X"),
        ("    env_file: {path: a.env}\n", "what `env_file` brings in"),
        ("    label_file: [/etc/passwd]\n", "the content of /etc/passwd"),
        ("    env_file: linked.env\n", "the content of linked.env, a link to ELSEWHERE/x.env"),
        ("    env_file: folder/x.env\n", "the content of folder/x.env, a link to ELSEWHERE/x.env"),
        ("    extends: {file: a.yaml, service: a}\n", "the content of a.yaml (`extends`)"),
        ("    extends: [a]\n", "what `extends` brings in"),
        ("include: a.yaml\n", "the content of a.yaml (`include`)"),
        ("include: [{path: [a.yaml], env_file: b.env}]\n", "the content of b.env (`include`)"),
        ("include:\n", "what `include` brings in"),
        ("tomorrow: x\n", "what `tomorrow` brings in"),
        ("---\nx-a: b\n", "the content of compose.yaml (it contains more than one document)"),
    ],
)
def test_what_leads_elsewhere_waits(root: Path, more: str, said: str) -> None:
    elsewhere = root.parent / "elsewhere"
    (root / "linked.env").symlink_to(elsewhere / "x.env")
    (root / "folder").symlink_to(elsewhere)
    (root / "compose.yaml").write_text(SHOP + more)
    found = read(root)
    assert said.replace("ELSEWHERE", str(elsewhere)) in found.waits
    assert "A=b\n" not in found.beside.values()
    assert found.digest == read(root, alone=False).digest, "who looks makes no difference to what is there"


@pytest.mark.parametrize(
    "more", ["    env_file: a.env\n", "    extends: base\n", "x-a: b\n", "version: '3'\n"]
)
def test_what_stays_in_the_project_does_not(root: Path, more: str) -> None:
    (root / "compose.yaml").write_text(SHOP + more)
    assert read(root).waits == ()


@pytest.mark.parametrize("name", ["COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE"])
def test_other_env_files_of_the_shell_wait(root: Path, name: str) -> None:
    assert read(root, env={name: "1"}).waits == (f"the value of {name} in your environment",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services:\n  shop:\n    env_file: a.env\n    build: ..\n"),
        ("compose.override.yaml", "services: {}\n"),
        (".env", "A=b\n"),
        ("a.env", "A=b\n"),
        ("COMPOSE_FILE", ""),
    ],
)
def test_each_change_is_another_digest(root: Path, name: str, text: str) -> None:
    (root / "compose.yaml").write_text(f"{SHOP}    env_file: a.env\n")
    build_tree(root, {"b.yaml": SHOP})
    before = read(root).digest
    assert read(root).digest == before
    if name == "COMPOSE_FILE":
        assert read(root, env={"COMPOSE_FILE": "compose.yaml:b.yaml"}).digest != before
    else:
        (root / name).write_text(text)
        assert read(root).digest != before


def test_a_file_that_an_included_one_names_is_part_of_it(root: Path) -> None:
    (root / "compose.yaml").write_text(f"include: [more/c.yaml]\n{SHOP}")
    build_tree(
        root, {"more/c.yaml": "services: {db: {image: db, env_file: db.env}}\n", "more/db.env": "A=b\n"}
    )
    before = read(root).digest
    (root / "more/db.env").write_text("A=c\n")
    assert read(root).digest != before
