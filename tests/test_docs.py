"""The documents tell what is there: links resolve, commands in examples exist with their options, every exit code is told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from devctl.adapters.config_file import schema as config_schema
from devctl.cli.app import app
from devctl.cli.options import hoist
from devctl.errors import ExitCode
from devctl.workflows.find import FOLDERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(p.relative_to(ROOT)) for p in PAGES]
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXAMPLE = re.compile(r"^(?: {4,}|\$ )(devctl [^#\n]*)", re.M)
INLINE = re.compile(r"`(devctl [^`]+)`")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_resolve(page: Path) -> None:
    for target in LINK.findall(_prose(page)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(there), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_of_examples_exist(page: Path) -> None:
    for words in _calls(page):
        _options, rest = hoist(words)
        if not rest or rest[0].startswith("-"):
            continue
        command = COMMANDS.get(rest[0])
        assert command is not None, f"devctl {' '.join(words)}"
        if len(rest) > 1 and rest[1] in getattr(command, "commands", {}):
            command, rest = command.commands[rest[1]], rest[1:]
        known = {option for p in command.params for option in p.opts} | {"--help", "-h"}
        given = rest[: rest.index("--")] if "--" in rest else rest
        for word in given[1:]:
            if word.startswith("-"):
                assert word.partition("=")[0] in known, f"devctl {' '.join(words)}"


def test_every_command_is_in_a_guide() -> None:
    """The reference lists all; this is that examples of the daily ones are somewhere a newcomer reads."""
    guides = [p for p in PAGES if "reference" not in p.parts and p.name != "CHANGELOG.md"]
    used = {words[0] for page in guides for words in _calls(page) if words}
    daily = (
        "new up prod-preview status logs test exec size down demo onboard doctor init bases config".split()
    )
    assert set(daily) <= used


def test_every_exit_code_is_told() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    assert {int(n) for n in re.findall(r"^\| (\d+) \| [^`]", text, re.M)} == {int(code) for code in ExitCode}


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in LINK.findall(_prose(page)):
            there = (page.parent / target.partition("#")[0]).resolve()
            waiting += [there] if there.suffix == ".md" and there.exists() else []
            waiting += sorted(there.glob("*.md")) if there.is_dir() else []
    assert {p for p in PAGES if p.name != "CHANGELOG.md"} <= seen


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def _prose(page: Path) -> str:
    """Without code, in which brackets are something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def _calls(page: Path) -> Iterator[list[str]]:
    """The words behind `devctl`, of examples that name a command and no placeholder for one."""
    text = page.read_text(encoding="utf-8")
    for call in [*EXAMPLE.findall(text), *INLINE.findall(text)]:
        plain = re.split(r"[;|&…()]|\s→|\[", call)[0]
        words = shlex.split(plain.replace("'", ""))[1:]
        if words and words[0].islower() and words[0] != "*":
            yield words


def test_what_is_detected_is_told_with_keys_that_exist() -> None:
    page = (ROOT / "docs" / "reference" / "detection.md").read_text()
    schema = config_schema()
    keys = set(re.findall(r"`(?:services\.X\.)?([a-z_]+(?:\.[a-z_]+)?)` \|$", page, re.M))
    keys |= {
        key
        for row in re.findall(r"\| ([^|]*) \|$", page, re.M)
        for key in re.findall(r"`services\.X\.([\w.]+)`", row)
    }
    known = _keys(schema, schema)
    assert keys and keys <= known, keys - known
    assert all(f"`{folder}`" in page for folder in FOLDERS)


def _keys(node: Any, schema: Any) -> set[str]:
    """Every key path of devctl.yaml, with what is below `services: {NAME: …}` as if it stood at the top."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    found: set[str] = set()
    for alternative in (*node.get("anyOf", ()), *node.get("allOf", ())):
        found |= _keys(alternative, schema)
    if isinstance(node.get("additionalProperties"), dict):
        found |= _keys(node["additionalProperties"], schema)
    for name, below in node.get("properties", {}).items():
        inner = _keys(below, schema)
        found |= {name, *inner, *(f"{name}.{key}" for key in inner)}
    return found
