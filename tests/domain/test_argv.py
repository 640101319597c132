"""A word from a file is not an option, and a path is one field of a mount, whatever their names."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.command.argv import docker, mount, shell_path

paths = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(',:"=\n\r\\')), min_size=1
)


def fields(option: str) -> dict[str, str]:
    """As docker reads the value: one record of CSV, and each field up to its first `=` (opts/mount.go)."""
    flag, _, value = option.partition("=")
    assert flag == "--mount"
    (record,) = (
        csv.reader([value], strict=True) if "\n" not in value and "\r" not in value else [_over_lines(value)]
    )
    return dict(field.partition("=")[::2] for field in record)


def _over_lines(value: str) -> list[str]:
    (record,) = csv.reader(value.splitlines(keepends=True), strict=True)
    return record


@pytest.mark.parametrize("path", ["/a:b", "/a,b", '/a"b', "/a,readonly", "/a,source=/etc", " /a ", "/a=b"])
def test_a_path_stays_one_field(path: str) -> None:
    assert fields(mount("bind", path, "/app")) == {"type": "bind", "source": path, "target": "/app"}


@given(paths.filter(lambda path: not set(path) & set("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")))
def test_any_path_does(path: str) -> None:
    assert fields(mount("volume", path, "/v", read_only=True)) == {
        "type": "volume", "source": path, "target": "/v", "readonly": "",
    }  # fmt: skip


def test_plain_paths_stay_readable() -> None:
    assert mount("bind", "/home/me/shop", "/app") == "--mount=type=bind,source=/home/me/shop,target=/app"


def test_what_a_command_applies_to_follows_the_dashes() -> None:
    assert docker("run", "--rm", to=["--privileged", "sh"]) == [
        "docker",
        "run",
        "--rm",
        "--",
        "--privileged",
        "sh",
    ]
    assert docker("version") == ["docker", "version"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("config/app.yaml", "config/app.yaml"),
        ("a b/.env", "'a b/.env'"),
        ("-x", "./-x"),
        ("$HOME", "'$HOME'"),
        ("it's", "'it'\"'\"'s'"),
    ],
)
def test_a_path_is_one_word_of_the_command_that_is_told(path: str, word: str) -> None:
    assert shell_path(path) == word
