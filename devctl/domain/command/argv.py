"""Turns words from files into words of a command line: never an option, never two fields of a mount, never two words of a
shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

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


class ShellWord(str):
    """A word whose value only a shell knows: `$HOME`, `$(cat args)`, `~/x`, `*.go`. Its text is as written."""

    __slots__ = ()


class SimpleCommand(Struct, frozen=True):
    """`operator`: what joins it to the one before (`||`), "" for the first; `redirections`: `2>`, `/dev/null`."""

    operator: str
    words: tuple[str, ...]
    redirections: tuple[str, ...] = ()


_QUOTED, _NUMBER, _OF_SHELL = "\ud800", "\ud801", "\ud802"
"""Marks in the text for shlex (no character of any file), which returns a quoted `>` like any other, and does not tell `2>f` from
`2 >f`."""
_PIECE = regex(
    r"(?P<literal>'[^']*'|\\[^\n])|(?P<quoted>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<shell>\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`)"
    r"|(?P<number>(?<![^\s;&|()<>])\d+(?=[<>]))|(?P<end>\n)|(?P<wild>[*$]|(?<!\S)~)|\\\n",
    re.DOTALL,
)
_PUNCTUATION = ";&|()<>"
_OPERATOR = regex(r"&>>?|<<<|<<|>>|[<>]&|<>|>\||[<>]|&&|\|\||[;&|()]")


def simple_commands(text: str) -> Iterator[tuple[str, ...]]:
    """The commands of a shell's text in order, without redirections; none if its quotes do not match."""
    return (command.words for command in joined_commands(text))


def joined_commands(text: str) -> Iterator[SimpleCommand]:
    """The same with what joins and redirects them."""
    lexer = shlex.shlex(_PIECE.sub(_marked, text), posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace_split, lexer.commenters = True, ""
    words, redirections, operator, to = list[str](), list[str](), "", ""
    try:
        found = [*lexer, ";"]
    except ValueError:
        return
    for word in found:
        if not word or set(word) - set(_PUNCTUATION):
            if word.startswith(_NUMBER):
                to = word[1:]
            elif to:
                redirections += [to, _plain(word)]
                to = ""
            else:
                words.append(_plain(word))
            continue
        for part in _OPERATOR.findall(word):
            if set(part) & set("<>"):
                to += part
                continue
            if words:
                yield SimpleCommand(operator, tuple(words), tuple(redirections))
                operator = part
            words, redirections, to = [], [], ""


def _marked(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found[0]
    if kind == "literal":  # not an operator, whatever it contains
        return f"'{_QUOTED}{text[1:-1]}'" if text[0] == "'" else f"{_QUOTED}{text}"
    if kind == "quoted":
        return f'"{_OF_SHELL if set("$`") & set(text) else _QUOTED}{text[1:]}'
    if kind in ("shell", "wild"):
        return shlex.quote(f"{_OF_SHELL}{text}")
    return f"{_NUMBER}{text}" if kind == "number" else ";" if kind == "end" else " "


def _plain(word: str) -> str:
    text = word.replace(_QUOTED, "").replace(_OF_SHELL, "")
    return ShellWord(text) if _OF_SHELL in word else text
