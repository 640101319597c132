"""Words arrive as they were written, in the shells of both kinds of Go images: dash here, busybox in an image of Alpine."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devctl.domain.command.argv import shell_words
from tests.engine.cli import docker

WORD = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00") | st.sampled_from("$'\"\\\n\t *?[]~#-;&|<>(){}!=é😀"),
    max_size=12,
)  # fmt: skip
ODD = (
    "",
    "a b",
    "*",
    "*.go",
    "$HOME",
    "${X:-y}",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "\\n",
    "a\nb",
    "--",
    "-n",
    "~",
    "#x",
    "é😀",
    "!",
    " ",
)
READ = """eval "set -- $WORDS"; for word do printf '%s\\0' "$word"; done"""


def read(*shell: str, words: list[str]) -> list[str]:
    text = shell_words(words)
    done = subprocess.run([*shell, "-c", READ], env={"WORDS": text}, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@given(words=st.lists(WORD, max_size=6))
@example(words=list(ODD))
@example(words=[])
def test_a_shell_reads_the_same_words_back(words: list[str]) -> None:
    assert read("/bin/sh", words=words) == words


@pytest.mark.engine
def test_so_does_busybox() -> None:
    words = [f"{a}{b}" for a in ODD for b in ODD]
    argv = [
        "run",
        "--rm",
        "--env",
        f"WORDS={shell_words(words)}",
        "alpine:3.22",
        "sh",
        "-c",
        READ.replace("\\0", "\\001"),
    ]
    assert docker(*argv).split("\x01")[:-1] == words


def test_plain_words_stay_plain() -> None:
    assert shell_words(["serve", "--addr=:8080", "-v"]) == "serve --addr=:8080 -v"
