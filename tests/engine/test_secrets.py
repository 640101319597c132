"""A secret goes where the project sends it, and nowhere else: not below `.devctl/`, nor into logs, JSON, reports, images.

Each search is tried where the secrets are meant to be: one that finds nothing there would prove nothing elsewhere.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import typer
from msgspec import Struct, field

from devctl.cli.app import app
from tests.engine import forked
from tests.engine.cli import DEVCTL, docker, leave_nothing
from tests.engine.conftest import TEMPLATE
from tests.ports import free_port

pytestmark = pytest.mark.engine
SECRETS = {
    kind: f"s3cr3t{number}{kind}x{os.urandom(6).hex()}"
    for number, kind in enumerate(("dotenv", "shell", "envfile", "composesecret", "buildsecret", "netrc"))
}
IN_THE_ENVIRONMENT = {"dotenv", "shell", "envfile"}
SHOW_VALUES = ("config render", "env")
"""They show what compose gets, or a shell needs, and that contains the values: docs/explanation/security.md."""

HOLD_THE_MODEL = {"running.json", "applied.json", "inputs.json", "intent.json"}
"""The values that compose is given, in the state home alone: the same page."""

JSON, TEXT = ("--json",), ("-v",)
RUNS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (JSON, ("init", "--diff")), (TEXT, ("up", "-d", "--dry-run")), (JSON, ("up", "-d", "--dry-run")), (TEXT, ("up", "-d")),
    (JSON, ("up", "-d")), (JSON, ("status",)), (TEXT, ("status",)), (TEXT, ("ps",)), (JSON, ("config", "show")),
    (TEXT, ("config", "show")), (JSON, ("config", "check")), (TEXT, ("config", "schema")), (JSON, ("logs", "--tail", "50")),
    (TEXT, ("logs", "--tail", "50")), (TEXT, ("exec", "app", "--", "true")), (JSON, ("exec", "app", "--", "true")),
    (JSON, ("test",)), (TEXT, ("test", "--cover", "--junit", "tests.xml")), (TEXT, ("env",)), (JSON, ("env",)),
    (TEXT, ("shell",)), (JSON, ("restart",)), (TEXT, ("rebuild",)),
    (TEXT, ("debug", "--editor", "vscode")), (JSON, ("up", "-d")), (JSON, ("doctor",)), (TEXT, ("doctor",)),
    (TEXT, ("size", "--bases", "scratch", "--budget", "90MB")), (JSON, ("bases", "list")), (TEXT, ("bases", "build", "--dry-run")),
    (JSON, ("bases", "pull", "--dry-run")), (JSON, ("bases", "save", "bases.tar", "--dry-run")),
    (TEXT, ("bases", "load", "bases.tar")), (JSON, ("prod-preview", "--base", "scratch")), (JSON, ("status",)),
    (TEXT, ("onboard",)), (JSON, ("clean",)), (TEXT, ("no-such-command",)), (JSON, ("config", "render", "--mode", "dev")),
    (TEXT, ("new", "../another")), (JSON, ("init",)), (TEXT, ("down",)), (JSON, ("up", "-d")),
)  # fmt: skip
MAY_FAIL = {"doctor", "no-such-command", "bases load", "clean", "bases build", "bases pull", "bases save"}
"""What the machine lacks, or what fails on purpose: the output is checked whatever the exit code."""
NOT_RUN = {
    "demo": "makes a project of its own in a temporary folder, and reads nothing of this one",
    "ui": "needs a terminal, and shows what `status` and `logs` say",
    "watch-daemon": "`up -d` starts it, and it is running all the while: its log is below .devctl",
}
USED = (
    "RUN --mount=type=secret,id=built,required=true --mount=type=secret,id=netrc,required=true \\\n"
    "    : {} && cat /run/secrets/built /run/secrets/netrc | sha256sum | cut -c-64 >{}\n\n"
)
"""The first word is new each time: the content of a secret is not part of a builder's cache key."""
BUG = """
import sys
from devctl.adapters.system.http_probe import SocketProber
from devctl.cli.app import main

def fails(*args, **how):
    raise RuntimeError({message!r})

SocketProber.http = SocketProber.tcp = fails
sys.exit(main(sys.argv[1:]))
"""


class Said(Struct):
    """What every command answered, and where its traces may be."""

    root: Path
    home: Path
    texts: list[tuple[str, str]] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    """What the engine knew of the running container, in dev mode and in production."""
    digests: dict[str, str] = field(default_factory=dict)


def spoken(words: tuple[str, ...]) -> str:
    return " ".join(words[: 2 if words[0] in ("bases", "config") else 1])


def netrc() -> str:
    return f"machine private.example.com login me password {SECRETS['netrc']}\n"


def project(root: Path, port: int) -> None:
    subprocess.run(["cp", "-r", str(TEMPLATE), str(root)], check=True)
    (root / ".env").write_text(f"HOST_PORT={port}\nFROM_DOTENV={SECRETS['dotenv']}\n")
    (root / "app.env").write_text(f"FROM_ENV_FILE={SECRETS['envfile']}\n")
    (root / "secret.txt").write_text(SECRETS["composesecret"])
    (root / "build-secret.txt").write_text(SECRETS["buildsecret"])
    (root / "netrc").write_text(netrc())
    (root / ".dockerignore").write_text("*.txt\nnetrc\n*.env\n.env\n.git\n")
    (root / "compose.override.yaml").write_text(
        "services:\n  app:\n    env_file: [app.env]\n    secrets: [told]\n    build: {secrets: [built, netrc]}\n"
        "    environment: {A: '${FROM_DOTENV}', B: '${FROM_SHELL}'}\n"
        "secrets:\n  told: {file: ./secret.txt}\n  built: {file: ./build-secret.txt}\n  netrc: {file: ./netrc}\n"
    )
    dockerfile = (root / "Dockerfile").read_text()
    for before, file in (
        ("FROM deps AS dev\n", "/built"),
        ("FROM ${ALPINE_IMAGE} AS runner\n", "/out/built"),
    ):
        assert dockerfile.count(before) == 1
        dockerfile = dockerfile.replace(before, USED.format(os.urandom(6).hex(), file) + before)
    (root / "Dockerfile").write_text(dockerfile)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """Every command has run; what each said, in JSON or, with -v, for people."""
    root = tmp_path_factory.mktemp("secrets") / f"dts{os.getpid()}"
    found = Said(root, tmp_path_factory.mktemp("home"))
    project(root, free_port())
    env = {
        **os.environ, "FROM_SHELL": SECRETS["shell"], "NETRC": str(root / "netrc"), "GOPRIVATE": "private.example.com",
        "XDG_STATE_HOME": str(found.home),
    }  # fmt: skip

    def run(words: tuple[str, ...], program: list[str] | None = None) -> int:
        if program is None:
            done = forked.run(words, cwd=root, env=env)
        else:
            done = subprocess.run([*program, *words], cwd=root, capture_output=True, text=True, env=env)
        found.texts.append((" ".join(words), done.stdout + done.stderr))
        return done.returncode

    def look(mode: str, digest: str) -> None:
        container = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={root.name}")
        found.running[mode] = docker("inspect", container)
        found.digests[mode] = file_of(container, digest)

    try:
        for way, words in RUNS:
            code = run((*way, *words))
            assert code == 0 or spoken(words) in MAY_FAIL, found.texts[-1]
            if words == ("restart",):
                look("dev", "/built")
            elif spoken(words) == "prod-preview":
                look("prod", "/built")
        run(("-v", "down"))
        message = f"{netrc()}DB_PASSWORD={SECRETS['shell']} https://me:{SECRETS['dotenv']}@host"
        assert run(("-v", "up", "-d"), [sys.executable, "-P", "-c", BUG.format(message=message)]) == 70
        yield found
    finally:  # its watcher is known to this home alone
        subprocess.run([*DEVCTL, "down"], cwd=root, capture_output=True, env=env)
        leave_nothing(root, root.name)


def file_of(container: str, path: str) -> str:
    """A file of a container that may have no shell."""
    copied = subprocess.run(["docker", "cp", f"{container}:{path}", "-"], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        assert member is not None
        return member.read().decode().strip()


def held(text: str) -> list[str]:
    return [kind for kind, secret in SECRETS.items() if secret in text]


def asks_for_values(words: str) -> bool:
    return words.partition(" ")[2].startswith(SHOW_VALUES)


def holding(folder: Path) -> dict[str, list[str]]:
    """The files below a folder that hold a secret, and which."""
    found = {
        str(path.relative_to(folder)): held(path.read_bytes().decode(errors="replace"))
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: kinds for name, kinds in found.items() if kinds}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if not children or (path and command.invoke_without_command):
        yield " ".join(path)
    for name, child in children.items():
        yield from leaves(child, (*path, name))


def test_each_command_runs_or_says_why_not() -> None:
    run = {spoken(words) for _, words in RUNS} - {"no-such-command"}
    every = set(leaves(typer.main.get_command(app)))
    assert run & set(NOT_RUN) == set()
    assert {name for name in every if name not in run | set(NOT_RUN) and name != "bases"} == set()
    assert (run | set(NOT_RUN)) - every == set()


def test_the_secrets_are_where_the_project_sends_them(said: Said) -> None:
    """Else every search below would look for what was never there."""
    assert set(held(said.running["dev"])) == set(held(said.running["prod"])) == IN_THE_ENVIRONMENT
    container = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={said.root.name}")
    assert held(docker("exec", container, "cat", "/run/secrets/told")) == ["composesecret"]
    used = hashlib.sha256((SECRETS["buildsecret"] + netrc()).encode()).hexdigest()
    assert said.digests == {"dev": used, "prod": used}


def test_no_command_says_one(said: Said) -> None:
    found = {words: held(text) for words, text in said.texts if not asks_for_values(words)}
    assert {words: kinds for words, kinds in found.items() if kinds} == {}
    shown = [set(held(text)) for words, text in said.texts if asks_for_values(words)]
    assert shown == [IN_THE_ENVIRONMENT] * 3, "those are asked for them"


def test_the_state_folder_holds_none(said: Said) -> None:
    state = said.root / ".devctl"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"events.jsonl", "watcher.log"}
    assert holding(state) == {}
    ours = [path for path in files if path.name != "build"]  # that one the container writes
    assert {stat.S_IMODE(path.stat().st_mode) for path in ours} == {0o600}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    planted = state / "planted"
    planted.write_bytes(b"\xff" + SECRETS["netrc"].encode())
    try:
        assert holding(state) == {"planted": ["netrc"]}
    finally:
        planted.unlink()


def test_what_is_kept_at_home_is_closed_to_others_and_names_the_files_that_hold_some(said: Said) -> None:
    places = list(said.home.rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in places if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in places if path.is_dir()} == {0o700}
    found = holding(said.home)
    assert {Path(name).name for name in found} <= HOLD_THE_MODEL
    assert {frozenset(kinds) for kinds in found.values()} == {frozenset(IN_THE_ENVIRONMENT)}


def test_the_report_of_a_bug_holds_none(said: Said) -> None:
    (report,) = said.home.rglob("*-report.md")
    text = report.read_text()
    assert "RuntimeError: machine private.example.com login [removed]" in text, "the message is in it"
    assert "StepStarted(" in text, "and what went before"
    assert held(text) == []
    assert report.name in said.texts[-1][1]


def test_no_image_holds_one(said: Said) -> None:
    label = f"label=dev.devctl.project={said.root.name}"
    images = set(docker("image", "ls", "-q", "--filter", label).split())
    assert len(images) >= 2, "of dev and of production"
    for image in images:
        assert (
            held(docker("history", "--no-trunc", image) + json.dumps(docker("image", "inspect", image))) == []
        )
        assert in_layers(image) == []


def test_the_search_of_images_finds_what_a_layer_holds(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nCOPY told /told\nENV A={SECRETS['shell']}\n")
    (tmp_path / "told").write_text("x" * 5_000_000 + SECRETS["buildsecret"])
    image = docker("build", "-q", str(tmp_path))
    try:
        assert in_layers(image) == ["buildsecret", "shell"]
        assert held(docker("history", "--no-trunc", image)) == ["shell"]
    finally:
        docker("image", "rm", "--force", image)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_search_of_an_archive_looks_into_compressed_layers(packed: Any) -> None:
    layer = packed(b"plain" + os.urandom(5_000_000) + SECRETS["netrc"].encode() + os.urandom(500))
    saved = io.BytesIO()
    with tarfile.open(fileobj=saved, mode="w") as archive:
        entry = tarfile.TarInfo("blobs/sha256/1")
        entry.size = len(layer)
        archive.addfile(entry, io.BytesIO(layer))
    assert in_archive(io.BytesIO(saved.getvalue())) == ["netrc"]


def in_layers(image: str) -> list[str]:
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        found = in_archive(saving.stdout)
    assert saving.returncode == 0
    return found


def in_archive(saved: IO[bytes]) -> list[str]:
    """In what `docker save` gives: its files, and what is in those that are compressed, as layers are in some image stores."""
    found: set[str] = set()
    with tarfile.open(fileobj=saved, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                found |= in_stream(io.BufferedReader(content))  # type: ignore[arg-type]
    return sorted(found)


def in_stream(content: io.BufferedReader) -> set[str]:
    """In pieces: an image of dev has hundreds of megabytes."""
    head = content.peek(4)[:4]
    assert head != b"\x28\xb5\x2f\xfd", "compressed by zstd, which this search does not read"
    opened: IO[bytes] = gzip.GzipFile(fileobj=content) if head[:2] == b"\x1f\x8b" else content  # type: ignore[assignment]
    found: set[str] = set()
    before = b""
    while piece := opened.read(1 << 22):
        text = before + piece
        before = text[-100:]
        found |= {kind for kind, secret in SECRETS.items() if secret.encode() in text}
    return found
