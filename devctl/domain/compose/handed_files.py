"""Configs and secrets of a compose file: how each gets into a container, and whether the program may read it there.

One with a `file` is a bind mount with the file's owner and mode here. Content from the compose file itself, or from a
variable, is copied into the container after it was created: compose refuses that if the root file system is read-only
(https://github.com/docker/compose/issues/12031).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devctl.domain.numbers import whole
from devctl.domain.project.compose_model import Model, Spec

KINDS = ("configs", "secrets")


def copied_in(spec: Spec, model: Model) -> tuple[tuple[str, str], ...]:
    """Kind and key of each that is copied into a container of this service."""
    return tuple(
        (kind, key) for kind, key, said in _used(spec, model) if "content" in said or "environment" in said
    )


def readable(spec: Spec, model: Model) -> dict[str, list[dict[str, Any]]]:
    """The configs and secrets of a service that does not run as root, for those that are copied into its container and have no
    owner in the file. The owner would be root; newer versions of compose make it the service's user, which an older engine
    cannot do (https://github.com/docker/compose/pull/13288). With `mode: 0400` the program could not open it."""
    uid = whole(str(spec.get("user") or "0").partition(":")[0])
    copied = set(copied_in(spec, model))

    def given(kind: str, use: Mapping[str, Any]) -> dict[str, Any]:
        mode = _octal(use.get("mode"))
        mine = (kind, str(use.get("source"))) in copied and not use.get("uid") and not use.get("gid")
        return {**use, "mode": f"{mode | 0o004:04o}"} if mine and mode & 0o400 else dict(use)

    return {kind: [given(kind, use) for use in spec[kind]] for kind in KINDS if spec.get(kind) and uid != 0}


def _octal(mode: object) -> int:
    try:
        return int(str(mode), 8)
    except ValueError:
        return 0


def mounted(spec: Spec, model: Model) -> Iterator[tuple[str, str, str]]:
    """Kind, key and path of each that is a file on this machine."""
    for kind, key, said in _used(spec, model):
        if said.get("file"):
            yield kind, key, str(said["file"])


def may_read(user: str, *, groups: Iterable[object] = (), mode: int, owner: tuple[int, int]) -> bool:
    """Whether `user` (`uid` or `uid:gid`, as numbers; root reads everything), who is also in the `groups` of `group_add`, may
    read a file; True if it is not a number. Without a gid it is the one in the image's passwd, where user and group share a
    number."""
    uid, gid = (whole(word) for word in (*user.split(":"), "")[:2])
    if uid is None or uid == 0:
        return True
    if uid == owner[0]:
        return bool(mode & 0o400)
    members = {uid if gid is None else gid, *(whole(str(group)) for group in groups)}
    return bool(mode & (0o040 if owner[1] in members else 0o004))


def _used(spec: Spec, model: Model) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in KINDS:
        defined = model.get(kind) or {}
        for use in spec.get(kind) or []:
            key = str(use.get("source"))
            yield kind, key, defined.get(key) or {}
