"""devctl's Dockerfile if modules are private and Go fetches them with git: git and ssh in its stage, and this machine's keys
made available to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STAGE = "FROM base AS deps\n"
_GIT = """\
# Go fetches private modules by git, which alpine has not by itself.
RUN { command -v git && command -v ssh; } >/dev/null || apk add --no-cache git openssh-client || true
"""
_MOUNT = "    --mount=type=secret,id=netrc \\\n"
_MOUNTS = """\
    --mount=type=secret,id=gitconfig \\
    --mount=type=secret,id=known_hosts \\
    --mount=type=ssh \\
"""
_LINK = 'ln -sf /run/secrets/netrc "$HOME/.netrc" && '
# An unknown host is trusted: what comes from it has to match go.sum.
_LINKS = """\
ln -sf /run/secrets/gitconfig "$HOME/.gitconfig" && \\
    export GIT_SSH_COMMAND="ssh -o 'UserKnownHostsFile=/run/secrets/known_hosts /dev/shm/known_hosts' \\
      -o StrictHostKeyChecking=accept-new" && \\
    """


def with_git(dockerfile: str) -> str:
    """Each of the three places exists once (a test of the template checks it)."""
    text = dockerfile.replace(_STAGE, _STAGE + _GIT)
    return text.replace(_MOUNT, _MOUNT + _MOUNTS).replace(_LINK, _LINK + _LINKS)


def only_in_a_build(build: Mapping[str, Any]) -> bool:
    """Whether modules need keys or addresses that the build has and a running container does not."""
    args = build.get("args") or {}
    return bool(build.get("secrets") or build.get("ssh") or {"GOPROXY", "GOPRIVATE"} & set(args))
