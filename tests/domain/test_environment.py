"""`devctl env`: what a shell reads is the value, and an address in it is one that the host reaches."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devctl.domain.compose.env_file import values
from devctl.domain.environment.from_host import Reached, from_host
from devctl.domain.environment.shells import can_be_named, can_be_written, spoken
from devctl.domain.project.control_characters import visible

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    | st.sampled_from("$'\"\\\n\t\r *?[]~#-;&|<>(){}!=%`\x1b\x7f\u202e"),
    max_size=15,
)
NAMES = st.from_regex(r"V[A-Za-z0-9_]{0,5}", fullmatch=True)
VARIABLES = st.dictionaries(NAMES, TEXT, max_size=4)


def read_by(shell: str, text: str, names: list[str]) -> dict[str, str]:
    """What a real shell has in these variables after it read the text, each ended by a NUL."""
    script = text + "\n" + "".join(f"printf '%s\\0' \"${name}\"\n" for name in names)
    done = subprocess.run(
        [shell], input=script.encode(), capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    return dict(zip(names, done.stdout.decode().split("\0"), strict=False))


@pytest.mark.parametrize("shell", ["sh", "bash"])
@settings(max_examples=60)
@given(VARIABLES)
def test_a_shell_reads_the_values(shell: str, variables: dict[str, str]) -> None:
    text = spoken(variables, "sh")
    assert visible(text) == text, "nothing in it steers the terminal"
    path = shutil.which(shell)
    assert path is not None
    assert read_by(path, text, [*variables]) == variables


@given(VARIABLES)
def test_json_is_json(variables: dict[str, str]) -> None:
    assert json.loads(spoken(variables, "json")) == variables


@given(VARIABLES)
def test_an_env_file_is_read_as_compose_reads_it(variables: dict[str, str]) -> None:
    variables = {name: value for name, value in variables.items() if can_be_written(value, "dotenv")}
    text = spoken(variables, "dotenv")
    assert visible(text) == text, "nothing in it steers the terminal"
    assert values(text) == variables


def test_what_an_env_file_cannot_escape() -> None:
    assert not can_be_written("a\u202eb", "dotenv")
    assert can_be_written("a\u202eb", "sh") and can_be_written("\x1b\x80\r\n", "dotenv")


@pytest.mark.engine
@settings(max_examples=20)
@given(VARIABLES)
def test_compose_itself_reads_an_env_file_so(variables: dict[str, str]) -> None:
    """With dollar signs doubled, which is how it prints a model."""
    variables = {name: value for name, value in variables.items() if can_be_written(value, "dotenv")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "host.env").write_bytes(spoken(variables, "dotenv").encode())
        (folder / "compose.yaml").write_text("services: {a: {image: x, env_file: host.env}}\n")
        done = subprocess.run(
            ["docker", "compose", "-p", "env", "config", "--format", "json"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["services"]["a"].get("environment") or {}
    assert {name: value.replace("$$", "$") for name, value in found.items()} == variables


def test_fish_has_its_own_quotes() -> None:
    assert spoken({"A": "it's \\ $x", "B": "", "C": "a\x1bb"}, "fish").splitlines() == [
        "set -gx A 'it\\'s \\\\ $x'", "set -gx B ''", "set -gx C 'a'\\X1b'b'",
    ]  # fmt: skip


DB = Reached(("db", "database"), {5432: ("127.0.0.1", 49153)})
CACHE = Reached(("cache",), {6379: ("127.0.0.1", 6379)})
QUEUE = Reached(("queue",))


@pytest.mark.parametrize(
    ("name", "value", "there"),
    [
        ("DATABASE_URL", "postgres://me:p%40ss@db:5432/shop?sslmode=disable", "postgres://me:p%40ss@127.0.0.1:49153/shop?sslmode=disable"),
        ("DATABASE_URL", "postgresql://me:db@db/shop", "postgresql://me:db@127.0.0.1:49153/shop"),
        ("REDIS_URL", "redis://cache", "redis://127.0.0.1:6379"),
        ("REDIS", "cache:6379,cache:6379", "127.0.0.1:6379,127.0.0.1:6379"),
        ("DSN", "me:secret@tcp(database:5432)/shop", "me:secret@tcp(127.0.0.1:49153)/shop"),
        ("DSN", "host=db port=5432 user=db", "host=127.0.0.1 port=49153 user=db"),
        ("DSN", "host=db user=me", "host=127.0.0.1 user=me port=49153"),
        ("OTHER", "http://mydb:5432/ db.example.com:5432 db:54321 db", "http://mydb:5432/ db.example.com:5432 db:54321 db"),
        ("QUEUE", "amqp://queue:5672/", "amqp://queue:5672/"),
    ],
)  # fmt: skip
def test_an_address_of_a_service_is_where_the_host_reaches_it(name: str, value: str, there: str) -> None:
    assert from_host({name: value}, [DB, CACHE, QUEUE]).variables == {name: there}


def test_host_and_port_apart_are_led_together() -> None:
    given_variables = {
        "DB_HOST": "db",
        "DB_PORT": "5432",
        "CACHE_HOST": "cache",
        "PGHOST": "db",
        "NAME": "db",
    }
    assert from_host(given_variables, [DB, CACHE]).variables == {
        "DB_HOST": "127.0.0.1", "DB_PORT": "49153", "CACHE_HOST": "127.0.0.1", "PGHOST": "127.0.0.1", "PGPORT": "49153",
        "NAME": "db",
    }  # fmt: skip


def test_what_is_not_published_is_named() -> None:
    assert from_host({"A": "amqp://queue:5672/", "B": "db:9"}, [DB, QUEUE]).hidden == (
        ("A", "queue:5672"),
        ("B", "db:9"),
    )


@given(VARIABLES)
def test_without_other_services_nothing_is_changed(variables: dict[str, str]) -> None:
    assert from_host(variables, []).variables == variables


@pytest.mark.parametrize(("name", "can"), [("A_1", True), ("spring.port", False), ("1A", False), ("", False)])
def test_a_name_that_no_shell_has(name: str, can: bool) -> None:
    assert can_be_named(name) is can
