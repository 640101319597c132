"""Every command has help, the help has the global options, and the reference knows every command and option."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from devctl.cli.app import app
from devctl.cli.help import GLOBALS
from tests.cli import reference
from tests.cli.conftest import Ran

REFERENCE = Path(__file__).parents[2] / "docs/reference/cli.md"


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


COMMANDS = {" ".join(path): command for path, command in walk(typer.main.get_command(app))}
PROMISED = (
    "new init up prod-preview status ps logs exec test debug env shell restart rebuild down size doctor onboard demo bases config "
    "clean ui watch-daemon"
).split()


def test_the_commands_of_the_contract() -> None:
    assert {name for name in COMMANDS if name and " " not in name} == set(PROMISED)
    assert {n.split()[1] for n in COMMANDS if n.startswith("bases ")} == {
        "list",
        "pull",
        "build",
        "save",
        "load",
    }
    assert {n.split()[1] for n in COMMANDS if n.startswith("config ")} == {
        "show",
        "check",
        "render",
        "schema",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_text_and_complete(devctl: Callable[..., Ran], name: str) -> None:
    ran = devctl(*name.split(), "--help", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: devctl {name}".rstrip())
    for option, _ in GLOBALS:
        assert option in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    assert "<" not in ran.out  # no type labels


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if n and not c.hidden])
def test_every_command_and_every_option_of_its_own_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if n and not c.hidden])
def test_the_reference_says_what_it_does_and_names_only_its_options(name: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    section = re.search(rf"^### `devctl {name}\b.*?(?=^##|\Z)", text, re.S | re.M)
    assert section is not None
    own = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    told = re.findall(r"^- `(--[\w-]+)", section[0], re.M)
    assert set(told) <= own


def test_the_page_of_options_is_current() -> None:
    assert reference.is_current(), "python -m tests.cli.reference --write, and read the difference"


def test_the_page_of_options_has_each_command_and_option() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    for name, command in COMMANDS.items():
        if not name or command.hidden:
            assert not name or f"### `devctl {name}`" not in text
            continue
        section = re.search(rf"^### `devctl {name}`$.*?(?=^##|\Z)", text, re.S | re.M)
        assert section is not None
        for parameter in command.params:
            if parameter.param_type_name == "option" and "--help" not in parameter.opts:
                assert all(re.search(rf"[`, ]{option}\b", section[0]) for option in parameter.opts)
    for option, _ in GLOBALS:
        assert option.replace("|", "\\|") in text


def test_hidden_commands_are_not_listed(devctl: Callable[..., Ran]) -> None:
    assert "watch-daemon" not in devctl("--help").out
    assert re.search(r"^  ps\b", devctl("--help").out, re.M) is None
