"""What this process asks about files, with the answers: as long as the answers are the same, so is whatever was made of them.

Adapters that read a project look for files, and list folders, with these functions; what opens a file notes it itself. So nobody
keeps a list of what a reader depends on. Only the first answer counts: what changes later is different from then on.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devctl.domain.project.private_notes import Asked
from devctl.domain.project.state_folder import STATE_FOLDER

_NOT_OURS = ("/proc/", "/sys/", "/dev/")
"""Where nothing stays the same."""
_OF_EDITORS = ("~", ".swp", ".swx", "-journal", "-wal", "-shm")
"""Files that an editor or a database has beside the one that it has open."""
_answers: dict[tuple[str, str, str], Any] | None = None
_variables: set[str] = set()


@contextmanager
def recording() -> Iterator[None]:
    """Within the context everything that is asked is remembered, from whichever thread."""
    global _answers  # noqa: PLW0603  # the readers are functions, in many modules
    before, _answers = _answers, {}
    _variables.clear()
    try:
        yield
    finally:
        _answers = before


def is_recording() -> bool:
    return _answers is not None


def recorded() -> tuple[Asked, ...]:
    return tuple((*question, answer) for question, answer in (_answers or {}).copy().items())


def note(kind: str, path: Path | str, answer: object, how: str = "") -> None:
    plain = os.fspath(path)
    if _answers is not None and not plain.startswith(_NOT_OURS) and STATE_FOLDER not in plain.split("/"):
        _answers.setdefault((kind, plain, how), answer)


def note_variable(name: str) -> None:
    if _answers is not None:
        _variables.add(name)


def variables() -> frozenset[str]:
    """The names of the variables that were asked for."""
    return frozenset(_variables)


def ask(kind: str, path: Path | str, how: str = "") -> Any:
    """One of `ANSWERS`, remembered."""
    answer = ANSWERS[kind](os.fspath(path), how)
    note(kind, path, answer, how)
    return answer


def will_read(path: Path | str) -> None:
    """Before the file is opened: what is saved while it is read is different from what was asked."""
    if _answers is not None:
        ask("read", path)


def will_list(folder: Path | str) -> None:
    if _answers is not None:
        ask("names", folder)


def exists(path: Path | str) -> bool:
    return ask("kind", path) is not None


def is_file(path: Path | str) -> bool:
    return bool(ask("kind", path) == "file")


def is_dir(path: Path | str) -> bool:
    return bool(ask("kind", path) == "folder")


def names(folder: Path | str, *, endings: Sequence[str] = ()) -> list[str]:
    """The content of a folder, sorted; only names with one of the `endings`, if there are any. Raises OSError."""
    found = sorted(os.listdir(folder))  # noqa: PTH208
    if _answers is not None:
        note("names", folder, _digest(found, endings), ",".join(endings))
    return [name for name in found if not endings or name.endswith(tuple(endings))]


def note_names(folder: str, found: Iterable[str]) -> None:
    """Of a folder that was listed otherwise."""
    if _answers is not None:
        note("names", folder, _digest(found, ()))


def same(asked: Iterable[Asked], others: Mapping[str, Callable[[str, str], Any]]) -> bool:
    """Whether each question has the same answer now. `others`: answers to more kinds of questions."""
    answers = {**ANSWERS, **others}
    try:
        return all(answers[kind](path, how) == answer for kind, path, how, answer in asked)
    except (OSError, ValueError, KeyError):
        return False


def _read(path: str, _how: str) -> list[int] | str | None:
    try:
        facts = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return "folder" if stat.S_ISDIR(facts.st_mode) else [facts.st_mtime_ns, facts.st_size]


def _kind(path: str, _how: str = "") -> str | None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def _names(path: str, how: str) -> str | None:
    try:
        return _digest(os.listdir(path), how.split(",") if how else ())  # noqa: PTH208
    except (OSError, ValueError):
        return None


def _digest(found: Iterable[str], endings: Collection[str]) -> str:
    """Not with hashlib, which takes 5 ms to import: another name has to be noticed, not proven."""
    kept = sorted(
        name
        for name in found
        if not name.endswith(_OF_EDITORS) and name != STATE_FOLDER
        if not endings or name.endswith(tuple(endings))
    )
    return f"{zlib.crc32(chr(0).join(kept).encode(errors='surrogateescape')):08x}"


ANSWERS: Mapping[str, Callable[[str, str], Any]] = {
    "read": _read,
    "kind": _kind,
    "names": _names,
    "real": lambda path, _how: os.path.realpath(path),
}
