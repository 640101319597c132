"""The project's folder as `doctor` sees it: owners, scripts, the file system, git's trust, what the watcher recorded."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from devctl.adapters.system import beneath
from devctl.adapters.system.files import SystemFiles, mount_kind
from devctl.adapters.system.state_folder import SystemStateFolder
from devctl.domain.doctor.facts import TreeFacts
from devctl.domain.ports.toolbox import Processes
from devctl.domain.project.state_folder import STATE_FOLDER, FileEventsNote
from devctl.domain.regex import regex
from devctl.errors import FilesError

LOOKED_AT = 20_000
"""Files; only part of a larger tree is examined, so that `doctor` stays fast."""
SAMPLES = 5
SCRIPT_LIMIT = 1_000_000
_NOT_OURS = frozenset({"node_modules", "vendor", STATE_FOLDER})
_RUNS_SCRIPTS = regex(r"(?i)^(.*\.)?dockerfile(\..*)?$|^(docker-)?compose.*\.ya?ml$|^containerfile$")
_WORD = regex(r"[\w.-]+")
_STARTS = regex(
    r"""(?im)^\s*(?:ENTRYPOINT|CMD|entrypoint:|command:)[ \t]*(?:\[\s*)?["']?(?P<path>[\w./-]*?(?P<name>[\w.-]+\.sh))["',\s\]]"""
)
"""The script that a container starts, by its own name."""


def look_at(root: Path, processes: Processes) -> TreeFacts:
    files = SystemFiles()
    owner = files.owner(root)
    foreign: list[str] = []
    named: dict[str, list[beneath.Entry]] = {}
    texts: list[str] = []
    with beneath.Beneath(root) as tree:
        for entry in walk(root, limit=LOOKED_AT):
            if entry.facts.st_uid != owner[0]:
                foreign.append(entry.name)
            if stat.S_ISREG(entry.facts.st_mode):
                named.setdefault(entry.part, []).append(entry)
                if _RUNS_SCRIPTS.match(entry.part):
                    texts.append(_text(tree, entry.name))
        words = {word for text in texts for word in _WORD.findall(text)}
        scripts = [e.name for word in words for e in named.get(word, ()) if _crlf_script(tree, e.name)]
        locked = sorted(_locked(tree, texts, named))
    return TreeFacts(
        root=str(root),
        owner=owner,
        kind=mount_kind(root, files.read_text(Path("/proc/mounts"), within=None) or ""),
        eventless=files.eventless(root) is not None,
        case_insensitive=_case_blind(root),
        foreign=tuple(foreign[:SAMPLES]),
        foreign_count=len(foreign),
        crlf_scripts=tuple(sorted(scripts)),
        locked_scripts=tuple(locked),
        git_distrusts=_git_distrusts(root, processes),
        events_arrive=_events_arrive(root),
    )


def walk(folder: Path, *, limit: int) -> Iterator[beneath.Entry]:
    """Everything below, without following links; unreadable folders, and those of other tools, are skipped."""
    return beneath.walk(folder, limit=limit, passed_over=_NOT_OURS)


def _crlf_script(tree: beneath.Beneath, name: str) -> bool:
    try:
        data = tree.read(name, limit=SCRIPT_LIMIT)
    except OSError:
        return False
    return data.startswith(b"#!") and b"\r\n" in data


def _locked(
    tree: beneath.Beneath, texts: list[str], named: Mapping[str, list[beneath.Entry]]
) -> Iterator[str]:
    """Scripts that a container starts and that nobody may execute; if a file mentions chmod, it is left alone."""
    if any("chmod" in text for text in texts):
        return
    names = {found["name"] for text in texts for found in _STARTS.finditer(f"{text}\n")}
    for entry in (entry for name in names for entry in named.get(name, ())):
        if not entry.facts.st_mode & 0o111 and _text(tree, entry.name).startswith("#!"):
            yield entry.name


def _text(tree: beneath.Beneath, name: str) -> str:
    try:
        return tree.read(name, limit=SCRIPT_LIMIT).decode(errors="replace")
    except OSError:
        return ""


def _case_blind(root: Path) -> bool:
    """A file that also exists under its own name in capitals."""
    for name in ("go.mod", "go.work", "compose.yaml"):
        here, shouted = root / name, root / name.upper()
        if here.exists():
            return shouted.exists() and shouted.samefile(here)
    return False


def _git_distrusts(root: Path, processes: Processes) -> bool | None:
    done = processes.run(["git", "-C", str(root), "rev-parse", "--git-dir"], env={"LC_ALL": "C"}, timeout=5)
    if done.code == 0:
        return False
    # It exits with 128 for this as for every other fatal error; the text is that of the C locale:
    # https://github.com/git/git/blob/master/setup.c
    return True if "dubious ownership" in done.stderr else None


def _events_arrive(root: Path) -> bool | None:
    try:
        return SystemStateFolder().read(root, FileEventsNote).arrive
    except FilesError:
        return None  # git refuses the folder, which another check reports
