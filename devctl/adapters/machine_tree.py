"""The project's folder as `doctor` sees it: owners, scripts, the file system below, git's trust, what the watcher noted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from devctl.adapters.files import STATE_DIR, SystemFiles, mount_kind
from devctl.domain.check_facts import TreeFacts
from devctl.domain.ports import Processes

LOOKED_AT = 20_000
"""Files; a larger tree is looked at in part, so that `doctor` stays quick."""
SAMPLES = 5
SCRIPT_LIMIT = 1_000_000
_NOT_OURS = frozenset({"node_modules", "vendor", STATE_DIR})
_RUNS_SCRIPTS = re.compile(r"(?i)^(.*\.)?dockerfile(\..*)?$|^(docker-)?compose.*\.ya?ml$|^containerfile$")
_WORD = re.compile(r"[\w.-]+")
_STARTS = re.compile(
    r"""(?im)^\s*(?:ENTRYPOINT|CMD|entrypoint:|command:)[ \t]*(?:\[\s*)?["']?(?P<path>[\w./-]*?(?P<name>[\w.-]+\.sh))["',\s\]]"""
)
"""The script that a container starts with, called by its own name."""


def look_at(root: Path, processes: Processes) -> TreeFacts:
    files = SystemFiles()
    owner = files.owner(root)
    foreign: list[str] = []
    named: dict[str, list[Path]] = {}
    texts: list[str] = []
    for entry in walk(root, limit=LOOKED_AT):
        path = Path(entry.path)
        if entry.stat(follow_symlinks=False).st_uid != owner[0]:
            foreign.append(str(path.relative_to(root)))
        if entry.is_file(follow_symlinks=False):
            named.setdefault(entry.name, []).append(path)
            if _RUNS_SCRIPTS.match(entry.name):
                texts.append(files.read_text(path) or "")
    words = {word for text in texts for word in _WORD.findall(text)}
    scripts = [path for word in words for path in named.get(word, ()) if _crlf_script(path)]
    return TreeFacts(
        root=str(root),
        owner=owner,
        kind=mount_kind(root, files.read_text(Path("/proc/mounts")) or ""),
        eventless=files.eventless(root) is not None,
        case_insensitive=_case_blind(root),
        foreign=tuple(foreign[:SAMPLES]),
        foreign_count=len(foreign),
        crlf_scripts=tuple(sorted(str(path.relative_to(root)) for path in scripts)),
        locked_scripts=tuple(sorted(str(path.relative_to(root)) for path in _locked(texts, named))),
        git_distrusts=_git_distrusts(root, processes),
        events_arrive=_events_arrive(root),
    )


def walk(folder: Path, *, limit: int) -> Iterator[os.DirEntry[str]]:
    """What lies below, links not followed; folders that nobody may read, and those of other tools, are passed over."""
    waiting = [str(folder)]
    while waiting and limit > 0:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            limit -= 1
            yield entry
            if entry.is_dir(follow_symlinks=False) and entry.name not in _NOT_OURS:
                waiting.append(entry.path)


def _crlf_script(path: Path) -> bool:
    try:
        data = path.read_bytes() if path.stat().st_size < SCRIPT_LIMIT else b""
    except OSError:
        return False
    return data.startswith(b"#!") and b"\r\n" in data


def _locked(texts: list[str], named: Mapping[str, list[Path]]) -> Iterator[Path]:
    """Scripts that a container starts with and that nobody may execute; where a file speaks of chmod, it is left to it."""
    if any("chmod" in text for text in texts):
        return
    names = {found["name"] for text in texts for found in _STARTS.finditer(f"{text}\n")}
    for path in (path for name in names for path in named.get(name, ())):
        if not path.stat().st_mode & 0o111 and path.read_bytes().startswith(b"#!"):
            yield path


def _case_blind(root: Path) -> bool:
    """A file that exists under its own name in capitals too."""
    for name in ("go.mod", "go.work", "compose.yaml"):
        here, shouted = root / name, root / name.upper()
        if here.exists():
            return shouted.exists() and shouted.samefile(here)
    return False


def _git_distrusts(root: Path, processes: Processes) -> bool | None:
    done = processes.run(["git", "-C", str(root), "rev-parse", "--git-dir"], env={"LC_ALL": "C"}, timeout=5)
    if done.code == 0:
        return False
    return True if "dubious ownership" in done.stderr else None


def _events_arrive(root: Path) -> bool | None:
    text = SystemFiles().read_text(root / STATE_DIR / "events.json")
    try:
        return bool(json.loads(text)["arrive"]) if text else None
    except (ValueError, TypeError, KeyError):
        return None
