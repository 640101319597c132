"""What a check of `doctor` is: what it looks at, why that matters, and its judgement of the facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from devctl.domain.check_facts import MachineFacts

Status = Literal["ok", "warn", "fail"]
Fix = Literal[
    "docker-config",
    "engine",
    "compose",
    "bases",
    "leftovers",
    "abandoned",
    "externals",
    "inotify",
    "owner",
    "git",
    "scripts",
    "x-bits",
    "modules",
    "cache",
]
Version = tuple[int, ...]

FIX_ORDER: tuple[Fix, ...] = get_args(Fix)
ALONE: frozenset[Fix] = frozenset({"docker-config", "engine"})
"""After these everything is looked at anew: what else is wrong may come of them."""
FIX_HINT = "devctl doctor --fix"
CONSENT_HINT = "devctl doctor --fix --yes"
QUESTIONS: dict[Fix, str] = {
    "engine": "Install Docker (apt-get install docker.io) where it is missing, and start it?",
    "docker-config": "Take what is gone out of docker's config.json (the file as it was is kept beside it)?",
    "abandoned": "End the containers of projects whose folder is gone (their volumes stay)?",
    "externals": "Create the external networks and volumes that the compose file wants (a volume is empty then)?",
    "inotify": "Raise the kernel's limits for file watchers, now and after a restart?",
    "x-bits": "Let the scripts that images run be executed (chmod +x)?",
    "modules": "Complete go.mod, go.sum or vendor/ by the go command in a container?",
    "owner": "Give the files that others own in this project to the owner of its folder?",
    "scripts": "Write the scripts that images run with LF line endings?",
    "git": "Tell git to trust this folder (git config --global safe.directory)?",
}
"""Fixes that change what is not devctl's: they are asked for, or agreed to by --yes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`hint` is the command that mends it; `mend` names the fix where `doctor --fix` can do it."""

    status: Status
    what: str
    hint: str = ""
    mend: Fix | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`judge` gives None where the check says nothing here (no engine to ask, another operating system)."""

    id: str
    looks_at: str
    why: str
    judge: Callable[[MachineFacts], Verdict | None]


def version(text: str) -> Version:
    """`v2.40.3-desktop.1` → (2, 40, 3); empty where no number is named."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def ok(what: str) -> Verdict:
    return Verdict("ok", what)
