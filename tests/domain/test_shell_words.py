"""Words arrive as they were written, in the shells of both kinds of Go images: dash here, busybox in an image of Alpine."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devctl.domain.command.argv import ShellWord, joined_commands, shell_words, simple_commands
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


ASIDE = ("", "2>&1", ">/dev/null", "> /dev/null", "2>>/dev/null", "</dev/null", "3<>/dev/null", ">|/dev/null")


@given(st.lists(st.tuples(WORD, st.sampled_from(ASIDE)), min_size=1, max_size=6), st.sampled_from(ASIDE))
@example([("2", ">/dev/null"), (">", ""), (";", "2>&1"), ("a2", "</dev/null")], "2>&1")
def test_the_words_of_a_command_are_those_that_a_shell_passes_on(
    said: list[tuple[str, str]], before: str
) -> None:
    """Wherever it is redirected, and in whatever way a word is quoted."""
    words = [word for word, _ in said]
    text = f"{before} show {' '.join(f'{shell_words([word])} {aside}' for word, aside in said)} && true"
    script = "show() { printf '%s\\0' \"$@\" >&9; }; " + text
    done = subprocess.run(["/bin/sh", "-c", f"exec 9>&1; {script}"], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words
    assert list(simple_commands(text)) == [("show", *words), ("true",)]
    [first, _] = joined_commands(text)
    assert not any(isinstance(word, ShellWord) for word in first.words)


@pytest.mark.parametrize("word", ["$HOME", "--n=$(cat a b)", '"$(id) x"', "`id`", "~/x", "*.go", "${A:-b}"])
def test_a_word_that_only_a_shell_knows_is_one_and_marked(word: str) -> None:
    [words] = simple_commands(f"app {word} -v")
    assert [isinstance(w, ShellWord) for w in words] == [False, True, False] and words[1] == word.strip('"')


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
