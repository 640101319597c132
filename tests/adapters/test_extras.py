"""The command that installs an extra, by whoever made the environment that devctl runs in."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import pytest

from devctl.adapters.doctor import extras
from devctl.cli import wiring
from devctl.errors import MachineError

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
WANTED = PYPROJECT["project"]["optional-dependencies"]["ui"]


def without_versions(words: list[str]) -> list[str]:
    """The requirements in pyproject.toml, in the form of the metadata, whose ranges are sorted."""
    return [word.partition("<")[0].partition(">")[0] for word in words]


def test_the_ranges_are_those_of_pyproject() -> None:
    found = extras.requirements("ui")
    assert {
        frozenset(one.replace(",", " ").replace("<", " <").replace(">", " >").split()) for one in found
    } == {frozenset(one.replace(",", " ").replace("<", " <").replace(">", " >").split()) for one in WANTED}
    assert extras.requirements("nothing of that name") == []


@pytest.mark.parametrize(
    ("prefix", "pip", "begins"),
    [
        ("/home/me/.local/share/pipx/venvs/devctl", True, ["pipx", "inject", "devctl"]),
        ("/home/me/.local/share/uv/tools/devctl", False, ["uv", "pip", "install", "--python", "/x y/python"]),
        ("/home/me/src/devctl/.venv", True, ["/x y/python", "-m", "pip", "install"]),
    ],
)
def test_by_the_tool_that_made_the_environment(
    prefix: str, pip: bool, begins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "has_modules", lambda names: pip)
    words = shlex.split(extras.install_command("ui", prefix=Path(prefix), program="/x y/python"))
    assert words[: len(begins)] == begins
    assert without_versions(words[len(begins) :]) == ["textual", "textual-serve"]


def test_without_it_one_sentence_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "has_modules", lambda names: "pip" in names)
    with pytest.raises(MachineError) as raised:
        wiring.must_have_ui()
    assert (raised.value.code, raised.value.exit_code) == ("ui-not-installed", 4)
    assert " -m pip install " in raised.value.problem.hint and "textual" in raised.value.problem.hint
