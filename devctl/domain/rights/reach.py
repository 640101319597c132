"""What a container sees of the machine: all its mounts taken together, so that what one of them hides of another counts as
hidden.

A place is a path on the machine, or `volume NAME`, with folders below it. What is visible can change only at the places where
mounts begin, and at those that other mounts cover: comparing two containers there compares them everywhere.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from devctl.domain.plan.render import CACHE_KEY
from devctl.domain.project.compose_model import Model, Spec
from devctl.domain.project.model import is_shared_cache

_SAYS_NOTHING = {"bind": frozenset({"create_host_path"}), "volume": frozenset({"nocopy", "subpath"})}
"""Options of a mount that neither show nor hide anything, or stand for a place of their own."""
_FILES = ("secrets", "configs")
_VOLUME = "volume "
_NOTHING = "{}"
_PLAIN = str.maketrans("", "", '{}"')
SHARED_CACHE = "the cache of Go builds"
_KNOWN = frozenset("type source target read_only consistency bind volume tmpfs".split())


class Mount(Struct, frozen=True):
    """`place`: None for a mount that shows nothing of the machine, and only hides what is under it. `how`: further options;
    `shown`: its form in a message."""

    place: str | None
    target: str
    writable: bool
    how: str
    shown: str
    kind: str


class _Access(Struct, frozen=True):
    writable: bool
    how: str


def more_seen(before: list[Mount], now: list[Mount]) -> Iterator[str]:
    """What `now` shows and `before` did not, in words."""
    places = sorted({*_turning_points(before), *_turning_points(now)})
    for mount in now:
        told: list[str] = []
        for place in places:
            if not _seen_by(mount, now, place) or any(below(place, one) for one in told):
                continue
            had = _seen(before, place)
            access = _Access(mount.writable, mount.how)
            if not any(_covers(one, access) for one in had):
                told.append(place)
                yield _said(mount, place, had)


def _said(mount: Mount, place: str, had: list[_Access]) -> str:
    if place != mount.place:
        hid = "kept read-only" if had else "hid"
        return f"{place.removeprefix(_VOLUME)}, which another mount {hid}"
    if place == SHARED_CACHE:
        return f"the build cache that your projects share: {mount.shown}"
    if place.endswith("docker.sock"):
        return f"the Docker socket, and with it the whole machine: {mount.shown}"
    if mount.kind not in _SAYS_NOTHING and mount.kind not in _FILES:
        return f"a mount of type {mount.kind}: {mount.shown}"
    if mount.how != _NOTHING or any(one.how != _NOTHING for one in had):
        how = mount.how if mount.how != _NOTHING else "its options removed"
        return f"{mount.shown} with {how.translate(_PLAIN)}"
    if had:
        return f"{mount.shown}, writable instead of read-only"
    if mount.kind == "volume":
        return f"the data of another volume: {mount.shown}"
    return f"{mount.shown}, {'writable' if mount.writable else 'read-only'}"


def _turning_points(mounts: list[Mount]) -> Iterator[str]:
    for mount in mounts:
        if mount.place is not None:
            yield mount.place
            for over in mounts:
                if over.target != mount.target and below(over.target, mount.target):
                    yield _join(mount.place, _rest(over.target, mount.target))


def _seen(mounts: list[Mount], place: str) -> list[_Access]:
    return [_Access(m.writable, m.how) for m in mounts if _seen_by(m, mounts, place)]


def _seen_by(mount: Mount, mounts: list[Mount], place: str) -> bool:
    """Whether a place is visible through this mount, with no other one covering it."""
    if mount.place is None or not below(place, mount.place):
        return False
    at = _join(mount.target, _rest(place, mount.place))
    over = (m for m in mounts if m.target != mount.target and below(m.target, mount.target))
    return not any(below(at, m.target) for m in over)


def _covers(had: _Access, wanted: _Access) -> bool:
    return had.how == wanted.how and (had.writable or not wanted.writable)


def mounts_of(model: Model, spec: Spec, *, real: Callable[[str], str]) -> list[Mount]:
    """Everything that is mounted into a service: volumes, tmpfs, and the files of its secrets and configs.

    `real`: a path with its links followed, or the path itself.
    """
    found = [_volume(model, mount, real) for mount in spec.get("volumes") or []]
    for words in _list(spec.get("tmpfs")):
        found.append(Mount(None, _clean(str(words).partition(":")[0]), True, _NOTHING, str(words), "tmpfs"))
    for kind, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for use in spec.get(kind) or []:
            file = ((model.get(kind) or {}).get(use.get("source")) or {}).get("file")
            target = _clean(posixpath.join(folder, str(use.get("target") or use.get("source"))))
            place = real(_clean(file)) if file else None
            shown = f"{kind[:-1]} {use.get('source')}: the file {file}"
            found.append(Mount(place, target, False, _NOTHING, shown, kind))
    return found


def _volume(model: Model, mount: Model, real: Callable[[str], str]) -> Mount:
    kind, source = str(mount.get("type")), str(mount.get("source") or "")
    options = {k: v for k, v in (mount.get(kind) or {}).items() if k not in _SAYS_NOTHING.get(kind, ())}
    how = {**({} if kind == "tmpfs" else options), **{k: v for k, v in mount.items() if k not in _KNOWN}}
    place: str | None
    match kind:
        case "bind":
            place = real(_clean(source))
        case "volume" if source:
            place = _place_of_volume(model, source)
            subpath = str((mount.get("volume") or {}).get("subpath") or "").strip("/")
            place = _join(place, subpath) if place is not None else None
        case "volume" | "tmpfs":
            place = f"{kind} {mount.get('target')}" if how else None
        case _:
            place = f"{kind} {source}"
            how = {**how, "type": kind}
    return Mount(
        place,
        _clean(str(mount.get("target") or "/")),
        not mount.get("read_only"),
        json.dumps(how, sort_keys=True, default=str),
        f"{source}:{mount.get('target')}",
        kind,
    )


def _place_of_volume(model: Model, key: str) -> str | None:
    """devctl's own cache is the same place for every Go version, and no place at all if it belongs to this project alone."""
    definition = (model.get("volumes") or {}).get(key) or {}
    name = str(definition.get("name") or f"{model.get('name')}_{key}")
    if key != CACHE_KEY:
        return f"{_VOLUME}{name}"
    return SHARED_CACHE if is_shared_cache(name) else None


def below(path: str, folder: str) -> bool:
    """Also the folder itself."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _clean(path: str) -> str:
    return posixpath.normpath(path)


def _join(place: str, below_it: str) -> str:
    return posixpath.normpath(posixpath.join(place, below_it)) if below_it else place


def _rest(path: str, folder: str) -> str:
    return path[len(folder.rstrip("/")) :].lstrip("/")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
