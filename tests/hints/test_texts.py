"""A hint can be followed: the commands, options, keys and pages that it names are there, its YAML is valid where it belongs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from devctl.adapters.project_files.config_file import check, schema
from devctl.cli.app import app
from devctl.cli.options import hoist
from tests.hints.texts import hints

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
GLOBAL = {
    "-C",
    "--project",
    "--json",
    "-q",
    "-v",
    "--color",
    "--dry-run",
    "-y",
    "--yes",
    "--version",
    "--help",
}
CALL = re.compile(r"(?<![\w./-])devctl ([a-z-][^`;,()|]*)")
SAYS = frozenset({"gives", "keeps", "recreates", "then"})
"""What devctl does, in a sentence: no command."""
SPAN = re.compile(r"`([^`]+)`")
YAML_SPAN = re.compile(r"""(?P<devctl>devctl\.yaml:? \(?)?`(?P<text>["']?[a-z_]+["']?:(?: [^`]*)?)`""")
PAGE = re.compile(r"[\w./-]+\.md\b|https://\w+[.][^\s`;,]+")
TOP = {"name", "services", "volumes", "networks", "secrets", "configs", "include"}
INNER: dict[str, tuple[str, ...]] = {
    "driver": ("volumes", "data"),
    "driver_opts": ("volumes", "data"),
    "external": ("networks", "back"),
    "subnet": ("networks", "back", "ipam", "config"),
    "condition": ("services", "app", "depends_on", "db"),
    "test": ("services", "app", "healthcheck"),
    "file": ("secrets", "token"),
    "ipv4_address": ("services", "app", "networks", "back"),
}
"""Where a key belongs that neither the file nor a service has at its top."""
SERVICE = set(
    """annotations attach blkio_config build cap_add cap_drop cgroup command configs container_name cpus depends_on deploy develop
    devices dns entrypoint env_file environment expose extends extra_hosts group_add healthcheck hostname image init ipc labels
    links logging mem_limit network_mode networks pid pids_limit platform ports privileged profiles pull_policy read_only restart
    runtime secrets security_opt shm_size stop_grace_period stop_signal sysctls tmpfs ulimits user userns_mode volumes
    working_dir""".split()
)


def wrong(variants: list[str]) -> list[str]:
    """What cannot be followed in a hint, given as it reads with several values in its gaps."""
    found = [[*_calls(text), *_yaml(text), *_pages(text)] for text in variants]
    return min(found, key=len)


def _calls(text: str) -> Iterator[str]:
    for said in CALL.findall(text):
        _options, rest = hoist(re.sub(r"-C \S+ ?", "", said.rstrip(".:")).split())
        if not rest or rest[0] in SAYS | GLOBAL:
            continue
        command = COMMANDS.get(rest[0].rstrip(":"))
        if command is None:
            yield f"there is no command `devctl {rest[0]}`"
            continue
        below = getattr(command, "commands", {})
        if below and len(rest) > 1:
            command = below.get(rest[1])
            if command is None:
                yield f"there is no command `devctl {rest[0]} {rest[1]}`"
                continue
        known = GLOBAL | {option for p in command.params for option in p.opts}
        given = rest[: rest.index("--")] if "--" in rest else rest
        for word in given:
            if word.startswith("-") and word.partition("=")[0] not in known:
                yield f"`devctl {rest[0]}` has no option {word}"


def _yaml(text: str) -> Iterator[str]:
    if re.search(r"devctl\.yaml:? [a-z_]+:", text):
        yield "lines of devctl.yaml stand in backticks"
    for found in YAML_SPAN.finditer(text):
        said = found["text"]
        try:
            value = yaml.safe_load(said)
        except yaml.YAMLError as error:
            yield f"`{said}` is no YAML: {error}"
            continue
        yield from _of_devctl(said, value) if found["devctl"] else _of_compose(said, value)


def _of_devctl(said: str, value: dict[str, Any]) -> Iterator[str]:
    ((key, given),) = value.items()
    if given is None:
        if f"'{key}'" not in str(schema()):
            yield f"devctl.yaml has no key {key}"
        return
    problems = check(f"version: 1\n{said}\n")[1]
    yield from (f"`{said}` in devctl.yaml: {p.message}" for p in problems)


def _of_compose(said: str, value: dict[str, Any]) -> Iterator[str]:
    ((key, _given),) = value.items()
    if key not in TOP | SERVICE | set(INNER):
        yield f"`{said}`: compose files have no key {key}"


def _pages(text: str) -> Iterator[str]:
    for page in PAGE.findall(text):
        if page.startswith("https://"):
            known = page.rstrip(".").startswith(("https://docs.docker.com/", "https://go.dev/"))
            if not known:
                yield f"{page} is nowhere that documents stay"
        elif not (ROOT / page).exists():
            yield f"there is no page {page}"


@cache
def _all() -> list[tuple[str, list[str]]]:
    """Each hint by where it stands, with a name, a number and a kind of the compose file in its gaps."""
    each = [hints(gap) for gap in ("x", "8080", "secrets", "/x")]
    assert len({len(found) for found in each}) == 1
    return [(same[0].where, [hint.text for hint in same]) for same in zip(*each, strict=True)]


def test_each_hint_can_be_followed() -> None:
    found = {where: problems for where, texts in _all() if (problems := wrong(texts))}
    assert found == {}


def test_hints_of_every_kind_are_seen() -> None:
    """So that the test above does not look at nothing."""
    seen = [texts[0] for _, texts in _all()]
    files = {where.partition(":")[0] for where, _ in _all()}
    assert len(seen) > 450 and len(files) > 80
    called = {words.split()[0] for text in seen for words in CALL.findall(text)}
    assert called >= {"up", "doctor", "bases", "init", "logs", "prod-preview", "down", "-C"} | SAYS
    kinds = [bool(found["devctl"]) for text in seen for found in YAML_SPAN.finditer(text)]
    assert kinds.count(True) > 20 and kinds.count(False) > 30


@pytest.mark.parametrize(
    "text",
    [
        "devctl repair",
        "devctl bases fetch",
        "devctl up --background",
        "devctl.yaml: `service: {x: {port: 1}}`",
        "devctl.yaml: `services: {x: {port: many}}`",
        "devctl.yaml: `bases: mirror: HOST`",
        "devctl.yaml: bases: mirror: HOST",
        "devctl.yaml `hostport:`",
        "compose file: `volume: {x: {}}`",
        "compose file: `volumes: [./a:/b`",
        "docs/reference/nowhere.md tells more",
        "https://example.com/devctl tells more",
    ],
)
def test_what_leads_nowhere_is_found(text: str) -> None:
    assert wrong([text]), text


@pytest.mark.engine
def test_compose_takes_what_hints_say(tmp_path: Path) -> None:
    """`docker compose config` of a file with the line in its place."""
    lines = {line for _, texts in _all() for line in _compose_lines(texts)}
    tried = [variants for variants in lines if next(iter(yaml.safe_load(variants[0]).values())) is not None]
    refused = [v for v in sorted(tried) if not any(_composes(tmp_path, said) for said in dict.fromkeys(v))]
    assert refused == [] and len(tried) > 20


def _compose_lines(texts: list[str]) -> Iterator[tuple[str, ...]]:
    """Each line of a compose file in a hint, with several values in its gaps."""
    each = [[f["text"] for f in YAML_SPAN.finditer(text) if not f["devctl"]] for text in texts]
    yield from zip(*(found for found in each if len(found) == max(map(len, each))), strict=True)


def _composes(folder: Path, said: str) -> bool:
    ((key, given),) = yaml.safe_load(said).items()
    model: dict[str, Any] = {"services": {"app": {"image": "alpine"}}}
    if key == "services":  # a number in the gap of a name is a name there
        given = {str(name): {"image": "alpine", **spec} for name, spec in given.items()}
    _put(model, key, given)
    (folder / "compose.yaml").write_text(yaml.safe_dump(model))
    words = ["docker", "compose", "config", "--quiet", "--no-consistency"]
    return subprocess.run(words, cwd=folder, capture_output=True).returncode == 0


def _put(model: dict[str, Any], key: str, given: object) -> None:
    if key in TOP and not isinstance(given, list):
        model[key] = given
        return
    *path, last = (*INNER.get(key, ("services", "app")), key)
    at = model
    for word in path:
        at = at.setdefault(word, {})
    at[last] = given
