"""The documents match reality: links resolve, commands in examples exist with their options, every exit code is documented."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from devctl.adapters.project_files.config_file import schema as config_schema
from devctl.cli.app import app
from devctl.cli.options import hoist
from devctl.domain.doctor.all import CHECKS
from devctl.errors import ExitCode
from devctl.workflows.project.find import FOLDERS

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
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


FOR_DEVELOPERS = (
    ROOT / "CONTRIBUTING.md",
    *(ROOT / f"docs/explanation/{name}.md" for name in ("architecture", "testing")),
)


@pytest.mark.parametrize("page", FOR_DEVELOPERS, ids=lambda page: page.name)
def test_what_developers_are_told_exists(page: Path) -> None:
    """Paths, from the top or below devctl/; files that are named alone, next to the path before them; names."""
    words = _code_words(page.read_text(encoding="utf-8"))
    paths = [w for w in words if PATH.fullmatch(w) and "TOPIC" not in w]
    assert paths
    assert [p for p in paths if _file(p) is None] == []
    folder, lost = ROOT, []
    for word in words:
        if PATH.fullmatch(word) and (there := _file(word)) is not None:
            folder = there if there.is_dir() else there.parent
        elif re.fullmatch(r"\w+\.(?:py|yaml)", word) and word != "devctl.yaml":
            lost += [] if any((at / word).exists() for at in (folder, ROOT / "devctl", ROOT)) else [word]
    assert lost == []
    names = [w.rstrip("()") for w in words if re.fullmatch(r"_?[a-z]+(_[a-z]+)+(\(\))?|[A-Z]\w*[a-z]", w)]
    assert [n for n in names if n not in _defined()] == []


ARCHITECTURE = ROOT / "docs/explanation/architecture.md"


def test_a_name_that_is_told_with_its_file_is_defined_there() -> None:
    """`up` in `workflows/dev/up.py`; `load` (`workflows/project/load.py`)."""
    told = re.findall(
        r"`(\w+)`,?\s(?:in\s|\()`([\w./-]+\.py)`",
        "\n".join(page.read_text(encoding="utf-8") for page in FOR_DEVELOPERS),
    )
    assert len(told) > 15
    wrong = [(name, path) for name, path in told if name not in _names(_text_of(path))]
    assert wrong == []


def test_the_functions_that_a_command_goes_through_exist() -> None:
    walks = re.findall(r"^## One `devctl .*?(?=^## )", ARCHITECTURE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(walks) == 2
    for walk in walks:
        names = [w.rstrip("()") for w in _code_words(walk) if re.fullmatch(r"\w+(?:\(\))?", w)]
        assert len(names) > 10
        assert [n for n in names if n not in _defined()] == []


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert pages and numbers == sorted(set(numbers))
    heads = [page.read_text(encoding="utf-8").partition(".")[0] for page in pages]
    assert heads == [f"# {number}" for number in numbers]


PATH = re.compile(r"(?:cli|ui|workflows|domain|adapters|devctl|tests|templates|docs)/[\w./-]+")


def _code_words(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def _file(path: str) -> Path | None:
    return next((ROOT / top / path for top in ("", "devctl") if (ROOT / top / path).exists()), None)


def _text_of(path: str) -> str:
    there = _file(path)
    return there.read_text(encoding="utf-8") if there is not None else ""


@cache
def _defined() -> set[str]:
    return {
        name
        for top in ("devctl", "tests")
        for path in (ROOT / top).rglob("*.py")
        for name in _names(path.read_text(encoding="utf-8"))
    }


def _names(source: str) -> set[str]:
    """What a file defines: functions, classes, and variables at its top."""
    found = re.findall(r"\b(?:def|class) (\w+)|^(\w+)\b.* = ", source, re.M)
    return {defined or given for defined, given in found}


PYPROJECT = ROOT / "pyproject.toml"


def test_what_the_project_file_names_exists() -> None:
    """Pages that comments cite, what is packed, what ruff makes exceptions for."""
    text = PYPROJECT.read_text(encoding="utf-8")
    tool = tomllib.loads(text)["tool"]
    cited = re.findall(r"#.*?([\w./-]+\.md)", text)
    packed = tool["hatch"]["build"]["targets"]["sdist"]["include"]
    excepted = [*tool["ruff"]["lint"]["per-file-ignores"], *tool["ruff"].get("extend-exclude", ())]
    assert [name for name in (*cited, *packed, *excepted) if not any(ROOT.glob(name))] == []


def test_a_source_archive_can_be_tested_and_read() -> None:
    """It holds what the Makefile runs and what the README leads to."""
    packed = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "sdist"
    ]["include"]
    linked = {
        target.partition("#")[0] for target in LINK.findall(_prose(ROOT / "README.md")) if "://" not in target
    }
    run = set(
        re.findall(r"(?<![\w./])(\w+/[\w.-]+\.(?:sh|py))\b", (ROOT / "Makefile").read_text(encoding="utf-8"))
    )
    assert run
    needed = {Path(name).parts[0] for name in linked | run if name}
    assert needed <= set(packed)


def _prose(page: Path) -> str:
    """Without code, in which brackets are something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def _calls(page: Path) -> Iterator[list[str]]:
    """The words after `devctl`, in examples that name a command and no placeholder for one."""
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


def test_each_check_of_doctor_has_its_row() -> None:
    rows = re.findall(r"^\| ((?:`[a-z-]+` ?)+)\|", (ROOT / "docs/how-to/doctor.md").read_text(), re.M)
    told = [check for row in rows for check in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(told) == sorted(check.id for check in CHECKS)
