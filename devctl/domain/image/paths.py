"""Paths inside an image: which program its configuration starts, and where links lead."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from devctl.domain.command.argv import shell_text, simple_commands

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WRAPPERS = frozenset({"tini", "dumb-init", "docker-init", "catatonit", "exec", "env", "--", "--rewrite"})
_MOST_LINKS = 40


def command(entrypoint: Sequence[str], cmd: Sequence[str]) -> tuple[str, ...]:
    """What is started, word by word, as in exec form: without the shell of the shell form."""
    words = [*entrypoint, *cmd] if entrypoint else list(cmd)
    if words[:2] == ["/bin/sh", "-c"] and len(words) > 2:
        words = _shell_words(words[2])
        return tuple(words[1:] if words[:1] == ["exec"] else words)
    return tuple(words)


def program(entrypoint: Sequence[str], cmd: Sequence[str]) -> str:
    """The program as the configuration names it, without init wrappers; "" for none. In a shell's chain it is the one that
    keeps running."""
    words = [*entrypoint, *cmd]
    at = next((i for i in range(len(words)) if shell_text(words[i:]) is not None), len(words))
    chain = list(simple_commands(shell_text(words[at:]) or ""))
    for word in chain[-1] if chain else words:
        if posixpath.basename(word) not in _WRAPPERS and not word.startswith("-") and "=" not in word:
            return word
    return ""


def started_by(script: bytes, command: Sequence[str]) -> tuple[str, ...]:
    """What a script may start: the words that it gets, and the paths and the words after `exec` in its text."""
    text = script.decode(errors="replace")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    named = re.findall(r"(?<![\w.$/-])(?:\./|/)[\w./-]*\w|(?<=\bexec )[\w./-]+", lines)
    return tuple(dict.fromkeys(word for word in (*command, *named) if not word.startswith("-")))


def candidates(name: str, *, workdir: str, env: Iterable[str]) -> tuple[str, ...]:
    """Where the engine looks for a program: the path itself, below WORKDIR, or in the folders of PATH."""
    if not name:
        return ()
    if "/" in name:
        return (absolute(name, workdir),)
    search = next((line.partition("=")[2] for line in env if line.startswith("PATH=")), DEFAULT_PATH)
    return tuple(posixpath.join("/", folder, name) for folder in search.split(":") if folder)


def interpreter(head: bytes) -> str:
    """The interpreter in a script's first line: `/bin/sh`, `/usr/bin/env bash`; "" for another file. Like the kernel it removes
    only spaces and tabs: with CRLF line endings the carriage return belongs to the name."""
    line = head.partition(b"\n")[0]
    return line[2:].decode(errors="replace").strip(" \t") if line.startswith(b"#!") else ""


def absolute(path: str, workdir: str) -> str:
    """A path as a process started in WORKDIR sees it."""
    return posixpath.normpath(posixpath.join("/", workdir, path))


def exec_form(words: Iterable[str]) -> str:
    """The words as a Dockerfile writes them: `["/server", "-v"]`."""
    return json.dumps(list(words), ensure_ascii=False)


SHELL_ONLY = (
    "only a shell fills in variables and patterns and runs several commands: let the program do that, or use a base "
    "with a shell: devctl prod-preview --base alpine"
)
"""The message for a shell form that has no exec form."""


def resolve(path: str, links: Mapping[str, str]) -> str:
    """The real path behind symbolic links, each resolved inside the image; a loop ends at the last step."""
    done, waiting, left = "/", [p for p in path.split("/") if p], _MOST_LINKS
    while waiting:
        step = waiting.pop(0)
        here = posixpath.normpath(posixpath.join(done, step))
        target = links.get(here)
        if target is None or left == 0:
            done = here
            continue
        left -= 1
        joined = posixpath.normpath(posixpath.join(done, target))
        done, waiting = "/", [p for p in joined.split("/") if p] + waiting
    return done


def with_aliases(files: Iterable[str], links: Mapping[str, str]) -> frozenset[str]:
    """The files, and those below a linked top-level folder under that name too: `/bin/sh` if /bin is a link to /usr/bin."""
    known = set(files)
    for link in (path for path in links if path.count("/") == 1):
        real = resolve(link, links)
        known |= {link + path[len(real) :] for path in known if path.startswith(f"{real}/")}
    return frozenset(known)


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote
        return text.split()
