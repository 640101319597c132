"""Turns words from files into words of a command line: never an option, never two fields of a mount, never two words of a
shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from devctl.domain.regex import regex


def docker(*flags: str, to: Sequence[str] = ()) -> list[str]:
    """`docker` with its verb and flags, and after `--` what they apply to: `docker run --rm -- IMAGE sh`.

    An image may be called `--privileged` in a Dockerfile, a service `-v` in a compose file. What follows a flag that takes a
    value is that value, whatever it begins with; every other word that is not a constant belongs in `to`.
    """
    return ["docker", *flags, *(("--", *to) if to else ())]


def mount(kind: Literal["bind", "volume"], source: str, target: str, *, read_only: bool = False) -> str:
    """A `--mount` for docker, whose value is one line of CSV: a folder may be called `a,b`, and with --volume not even `a:b`."""
    fields = [f"type={kind}", f"source={source}", f"target={target}", *(["readonly"] if read_only else [])]
    return "--mount=" + ",".join(map(_quoted, fields))


def _quoted(field: str) -> str:
    doubled = field.replace('"', '""')
    return f'"{doubled}"' if any(character in field for character in ',"\r\n') else field


def shell_words(words: Iterable[str]) -> str:
    """`eval "set -- $TEXT"` turns it back into the same words in any POSIX shell; plain words are unchanged."""
    return shlex.join(words)


def shell_path(path: object) -> str:
    """A path as a word in a command that is shown to the user: quoted if necessary, and never an option."""
    word = str(path)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def shell_text(words: Sequence[str]) -> str | None:
    """The text of `sh -c TEXT`; None for anything else."""
    name = "".join(words[:1]).rpartition("/")[2]
    flag = "".join(words[1:2])
    return "".join(words[2:3]) if name in SHELLS and re.fullmatch(r"-\w*c", flag) else None


_ONLY_A_SHELL = regex(r"[$`*?~#;&|<>(){}\[\]\n]|^\s*\w+=|^\s*\.\s")


def exec_words(text: str) -> tuple[str, ...]:
    """The words of a shell's text as in the exec form; () if a shell does more than split them."""
    parted = text.replace("\\\n", " ")
    if _ONLY_A_SHELL.search(re.sub(r"'[^']*'", "", parted)):
        return ()
    try:
        words = shlex.split(parted)
    except ValueError:
        return ()
    return tuple(words[1:] if words[:1] == ["exec"] else words)


def parted(text: str) -> list[str]:
    """The words of a line; if its quotes do not match, what is between spaces, without the quotes."""
    try:
        return shlex.split(text)
    except ValueError:
        return [word.strip("\"'") for word in text.split()]


def simple_commands(text: str) -> Iterator[tuple[str, ...]]:
    """The commands of a shell's text in order; none if its quotes do not match."""
    return (words for _, words in joined_commands(text))


def joined_commands(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same, each with the operator before it (`||`), "" for the first."""
    lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", ";"), posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    operator = ""
    try:
        for word in [*lexer, ";"]:
            if word and set(word) <= set(";&|()"):
                if words:
                    yield operator, tuple(words)
                    operator = word
                words = []
            else:
                words.append(word)
    except ValueError:
        return
