"""A project may lie in a folder of any name: what is printed works when it is pasted, and says what compose makes of the name."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Ran
from tests.helpers import build_tree

Devctl = Callable[..., Ran]
SERVICE = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}
ODD = ["shop", "-x", "--force", "a b", "it's", "Größe", "+++", "日本", "$HOME", "_a"]


@pytest.mark.parametrize("folder", ODD)
def test_the_next_step_of_new_leads_into_the_folder(
    devctl: Devctl, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = devctl("new", f"./{folder}")
    assert ran.code == 0, ran.err
    (step,) = [line for line in ran.out.splitlines() if line.startswith("  cd ")]
    there = subprocess.run(["sh", "-c", f"{step} && pwd -P"], capture_output=True, text=True)
    assert there.stdout == f"{(tmp_path / folder).resolve()}\n", there.stderr


@pytest.mark.parametrize("command", ["new", "init"])
@pytest.mark.parametrize(("folder", "name"), [("shop", None), ("a b", None), ("+++", "app"), ("日本", "app")])
def test_a_compose_file_has_a_name_where_compose_could_make_none(
    devctl: Devctl, folder: str, name: str | None, command: str, tmp_path: Path
) -> None:
    root = tmp_path / folder
    if command == "init":
        build_tree(root, SERVICE)
    ran = devctl(*(["new", str(root)] if command == "new" else ["-C", str(root), "init"]))
    assert ran.code == 0, ran.err
    assert yaml.safe_load((root / "compose.yaml").read_text()).get("name") == name


@pytest.mark.parametrize(
    ("folder", "name", "origin"),
    [
        ("shop", "shop", "the folder's name"),
        ("a b", "ab", "the folder's name, without characters that compose rejects"),
        ("Größe", "gre", "the folder's name, without characters that compose rejects"),
        ("+++", "app", "default: the folder's name contains no letter a-z and no digit"),
    ],
)
def test_where_the_name_of_a_project_comes_from(
    devctl: Devctl, folder: str, name: str, origin: str, tmp_path: Path
) -> None:
    root = build_tree(tmp_path / folder, SERVICE)
    ran = devctl("--json", "-C", str(root), "config", "show")
    assert ran.envelope["result"]["values"]["name"] == {"value": name, "origin": origin}
