"""What a changed model would grant beyond the one that a person applied.

The source is mounted into dev containers, whose code can rewrite compose.yaml, devctl.yaml and .env, and a watcher applies
them unattended. So what may change by itself is listed (table.py), and everything else is a right, including any key that
compose may add later. docs/decisions/0012-rights-of-a-round.md
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from devctl.domain.bases.references import parse
from devctl.domain.dockerfile.runtime_bases import IMAGES, RUNTIME_BASES
from devctl.domain.plan.engine_state import INPUTS_LABEL
from devctl.domain.plan.render import CACHE_KEY
from devctl.domain.project.compose_model import Key, Model, Spec
from devctl.domain.rights.reach import below, more_seen, mounts_of
from devctl.domain.rights.rules import Table, changed, is_nothing, short
from devctl.domain.rights.table import (
    BUILD,
    NETWORK,
    SECRET,
    SERVICE,
    TOP,
    USE_OF_A_NETWORK,
    USE_OF_OWN_NETWORK,
    VOLUME,
)

Real = Callable[[str], str]
"""A path with its links followed."""
SHARED = ("volumes", "networks", "secrets", "configs")
"""Defined for all services, and judged where a service uses them."""


class Grant(Struct, frozen=True):
    """`what` completes "would grant SERVICE"; `key`: where in a compose file it is."""

    what: str
    key: Key


class _Pair(Struct, frozen=True):
    """Both models. `real`: follows links."""

    before: Model
    now: Model
    real: Real

    def specs(self, name: str) -> tuple[Model, Model]:
        return _spec(self.before, name), _spec(self.now, name)


def grants(
    before: Model, now: Model, services: Collection[str], *, real: Real, ours: Collection[str] = ()
) -> tuple[Grant, ...]:
    """What `now` gives to `services` and `before` did not; a round does not start other services. `ours`: those that a
    Dockerfile of devctl's own builds."""
    pair = _Pair(before, now, real)
    found = [
        Grant(what, (key,))
        for key in changed(before, now)
        for what in TOP.judge(key, before.get(key), now.get(key))
    ]
    for name in services:
        if name not in (before.get("services") or {}):
            found.append(Grant("its first start: nobody has applied this service yet", ("services", name)))
        else:
            found += _service(pair, name, ours)
    found += _made_along(pair, services)
    return tuple(dict.fromkeys(found))


def mounted_paths(model: Model, services: Iterable[str]) -> list[str]:
    """Paths that these services mount, are built from or read as a secret, and those that their builds read from."""
    paths: list[str] = []
    for name in services:
        spec, builds = (
            _spec(model, name),
            [_spec(model, it).get("build") or {} for it in _builds(model, name)],
        )
        paths += [str(v.get("source", "")) for v in spec.get("volumes") or [] if v.get("type") == "bind"]
        paths += [str(build.get("context", "")) for build in builds]
        used = [use for one in (spec, *builds) for use in _used(one)]
        paths += [str(_definition(model, kind, source).get("file", "")) for kind, source in used]
    return paths


def leading_out(paths: Iterable[str], *, root: str, real: Real) -> dict[str, str]:
    """Those inside the project that are links, or below one, that lead out of it: path → target."""
    inside = (posixpath.normpath(path) for path in paths if path and below(posixpath.normpath(path), root))
    return {path: real(path) for path in inside if not below(real(path), real(root))}


def lent_out_of_sight(now: Model, services: Iterable[str], *, seen: Collection[str]) -> tuple[Grant, ...]:
    """The credentials given to the builds that theirs read from (`additional_contexts`). Of those services only `seen` have a
    Dockerfile that devctl reads: for others nobody knows whether it changed."""
    found = []
    for name in dict.fromkeys(built for service in services for built in _builds(now, service)):
        build = _spec(now, name).get("build") or {}
        if name not in seen and _lent(build):
            what = f"for the Dockerfile of {name}, which devctl does not read: {', '.join(_lent(build))}"
            found.append(Grant(what, ("services", name, "build")))
    return tuple(found)


def _service(pair: _Pair, name: str, ours: Collection[str]) -> Iterator[Grant]:
    old, new = pair.specs(name)
    for key in changed(old, new):
        for what in SERVICE.judge(key, old.get(key), new.get(key)):
            yield Grant(what, ("services", name, key))
    yield from _networks(pair, name)
    yield from _volumes(pair, name)
    yield from _kept(pair, _used(old), _used(new))
    for built in _builds(pair.now, name):
        yield from _build(pair, built, built in ours)
    yield from _mounts(pair, name)


def _mounts(pair: _Pair, name: str) -> Iterator[Grant]:
    """By the names of paths, and by the targets of their links: an engine elsewhere may follow others."""
    old, new = pair.specs(name)
    for real in (pair.real, lambda path: path):
        before, now = (mounts_of(m, s, real=real) for m, s in ((pair.before, old), (pair.now, new)))
        for what in more_seen(before, now):
            yield Grant(what, ("services", name, "volumes"))


def _networks(pair: _Pair, name: str) -> Iterator[Grant]:
    """Joining any network is a grant, since others are on it. Its definition is reported in addition."""
    old, new = (spec.get("networks") or {} for spec in pair.specs(name))
    for network, use in new.items():
        joined = network in old
        yield from _defined(pair, "networks", network, NETWORK, used=joined)
        if not joined:
            yield Grant(f"network {network} and everything on it", ("services", name, "networks", network))
        own = _name(pair.now, "networks", network) == f"{pair.now.get('name')}_{network}"
        external = (_definition(pair.now, "networks", network)).get("external")
        table = USE_OF_OWN_NETWORK if own and not external else USE_OF_A_NETWORK
        before, now = old.get(network) or {}, use or {}
        for key in changed(before, now):
            for what in table.judge(key, before.get(key), now.get(key)):
                yield Grant(f"network {network} with {what}", ("services", name, "networks", network))


def _volumes(pair: _Pair, name: str) -> Iterator[Grant]:
    """How they are defined; the mounts say whose data they are."""
    old, new = (_volumes_of(spec) for spec in pair.specs(name))
    for volume in new:
        yield from _defined(pair, "volumes", volume, VOLUME, used=volume in old)


def _defined(pair: _Pair, kind: str, name: str, table: Table, *, used: bool) -> Iterator[Grant]:
    """A volume or network; one that was not used before is compared with one that this project creates for itself."""
    plain = {"name": f"{pair.now.get('name')}_{name}"}
    old = _definition(pair.before, kind, name) if used else plain
    for what in _as_plain(table, old, _definition(pair.now, kind, name), plain):
        if name != CACHE_KEY:
            yield Grant(f"{kind[:-1]} {name} with {what}", (kind, name))


def _as_plain(table: Table, old: Spec, new: Spec, plain: Spec) -> Iterator[str]:
    """A missing driver means the default one, and so does a missing name."""
    usual = {**plain, "driver": "local" if table is VOLUME else "bridge"}
    return table(*({**usual, **{k: v for k, v in one.items() if not is_nothing(v)}} for one in (old, new)))


def _made_along(pair: _Pair, services: Iterable[str]) -> Iterator[Grant]:
    """Compose creates the networks and volumes of what a service waits for, although it does not start it: a network's
    addresses redirect the machine's own traffic, and a driver is a program."""
    old, new = (_whole_use(model, services) for model in (pair.before, pair.now))
    for kind, name in new:
        table = NETWORK if kind == "networks" else VOLUME
        if any(_defined(pair, kind, name, table, used=False)):
            yield from _defined(pair, kind, name, table, used=(kind, name) in old)


def _whole_use(model: Model, services: Iterable[str]) -> dict[tuple[str, str], None]:
    """Networks and volumes of these services and of those that they need."""
    names, found = list(services), dict[tuple[str, str], None]()
    for name in names:
        spec = _spec(model, name)
        names += [other for other in _needed(spec) if other not in names]
        found |= dict.fromkeys(("networks", network) for network in spec.get("networks") or {})
        found |= dict.fromkeys(("volumes", volume) for volume in _volumes_of(spec))
    return found


def _needed(spec: Spec) -> Iterator[str]:
    yield from spec.get("depends_on") or {}
    for key in ("network_mode", "ipc", "pid"):
        kind, _, other = str(spec.get(key) or "").partition(":")
        if kind == "service":
            yield other
    for key in ("links", "volumes_from"):
        yield from (str(words).partition(":")[0] for words in spec.get(key) or [])


def _kept(pair: _Pair, old: Collection[tuple[str, str]], new: Iterable[tuple[str, str]]) -> Iterator[Grant]:
    """Secrets and configs, by kind and name: what was not used in the same way before is compared with an empty one."""
    for kind, name in new:
        before = _definition(pair.before, kind, name) if (kind, name) in old else {}
        now = _definition(pair.now, kind, name)
        for key in changed(before, now):
            if key == "environment":
                told: Iterable[str] = [f"the variable {now.get(key)} from your environment"] * bool(
                    now.get(key)
                )
            else:
                told = SECRET.judge(key, before.get(key), now.get(key))
            for what in told:
                yield Grant(f"{kind[:-1]} {name}: {what}", (kind, name))


def _builds(model: Model, name: str) -> list[str]:
    """The service, and those whose images its build reads."""
    names = [name]
    for built in names:
        contexts = (_spec(model, built).get("build") or {}).get("additional_contexts") or {}
        read = (
            str(value).removeprefix("service:")
            for value in contexts.values()
            if str(value).startswith("service:")
        )
        names += [other for other in read if other not in names]
    return names


def _build(pair: _Pair, name: str, ours: bool) -> Iterator[Grant]:
    old, new = (spec.get("build") or {} for spec in pair.specs(name))
    at: Key = ("services", name, "build")
    for key in changed(old, new):
        for what in BUILD.judge(key, old.get(key), new.get(key)):
            yield Grant(what, (*at, key))
    yield from (Grant(what, (*at, "context")) for what in _context(pair, old, new))
    yield from (Grant(what, (*at, "args")) for what in _args(old, new, ours))
    yield from _kept(pair, _used(old), _used(new))
    yield from _files_of_a_build(pair, old, new)
    if not ours and _lent(new) and _recipe(old) != _recipe(new):
        yield Grant(f"for its changed Dockerfile: {', '.join(_lent(new))}", at)


def _context(pair: _Pair, old: Spec, new: Spec) -> Iterator[str]:
    context = str(new.get("context") or "")
    if context and not _reads(pair, old, context):
        beside = f", outside {old['context']}" if old.get("context") else ""
        yield f"for its build: the context {context}{beside}"


def _files_of_a_build(pair: _Pair, old: Spec, new: Spec) -> Iterator[Grant]:
    """Secrets that are files, except those that the build could already copy from its context, and those that it had."""
    had = {_file(pair.before, secret) for secret in old.get("secrets") or []}
    for secret in new.get("secrets") or []:
        file = _file(pair.now, secret)
        if file and file not in had and not _reads(pair, old, file):
            what = f"for its build: secret {secret.get('source')}, the file {file}"
            yield Grant(what, ("secrets", str(secret.get("source"))))


def _reads(pair: _Pair, old: Spec, path: str) -> bool:
    """Whether the build could read this before, by its name and by the target of its links. A context may also be an address."""
    context = str(old.get("context") or "")
    if not (path.startswith("/") and context.startswith("/")):
        return path == context
    names = below(posixpath.normpath(path), posixpath.normpath(context))
    return names and below(pair.real(posixpath.normpath(path)), pair.real(posixpath.normpath(context)))


def _args(old: Spec, new: Spec, ours: bool) -> Iterator[str]:
    """A user's Dockerfile may change, so what its arguments say it could say itself: except to BuildKit. devctl's own gets
    keys, and does what its arguments say."""
    before, now = old.get("args") or {}, new.get("args") or {}
    for name in changed(before, now, exactly=True):
        if _harmless(name, before.get(name), now.get(name), ours):
            continue
        yield (
            f"for its build: the argument {name}: {short(now[name])}"
            if name in now
            else (f"for its build: what the argument {name} denied it")
        )


def _harmless(name: str, old: Any, new: Any, ours: bool) -> bool:
    if name.lower().startswith(OF_BUILDKIT):
        return False
    if not ours or name in OF_THE_SERVICE:
        return True
    return name in OF_A_BASE and (new is None or _repository(new) in {_repository(old), *USUAL_BASES})


OF_BUILDKIT = "buildkit_"
"""Arguments that BuildKit obeys, whatever the Dockerfile says: which frontend it runs, whose cache mounts it reads."""
OF_THE_SERVICE = frozenset(
    "MODULE_DIR DEVCTL_MODULE_DIR MAIN CGO_ENABLED GO_TAGS GO_LDFLAGS GO_ENV FILES".split()
)
"""Arguments of devctl's Dockerfile that say which program is built, and how: the code decides that too. The keys are gone by
then."""
OF_A_BASE = frozenset(
    {"GO_IMAGE", "AIR_GO_IMAGE"} | {base.argument for base in RUNTIME_BASES.values() if base.argument}
)
"""Those that name an image to start from: another tag of the same image (go.mod requires another Go), or a usual one."""


def _repository(ref: Any) -> tuple[str, str] | None:
    if not isinstance(ref, str) or not ref:
        return None
    parts = parse(ref)
    return parts.registry, parts.repository


USUAL_BASES = frozenset(_repository(ref) for ref in ("golang", *IMAGES.values()))


def _lent(build: Model) -> list[str]:
    lent = [str(s.get("target") or s.get("source")) for s in build.get("secrets") or []]
    return [*lent, *(["ssh"] if build.get("ssh") else [])]


def _recipe(build: Model) -> Any:
    """Of everything that an image is built from: Dockerfile, .dockerignore, arguments."""
    return (build.get("labels") or {}).get(INPUTS_LABEL)


def _spec(model: Model, name: str) -> Model:
    found = (model.get("services") or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _definition(model: Model, kind: str, name: str) -> Model:
    return (model.get(kind) or {}).get(name) or {}


def _name(model: Model, kind: str, name: str) -> str:
    return str(_definition(model, kind, name).get("name") or f"{model.get('name')}_{name}")


def _file(model: Model, secret: Model) -> str:
    return str(_definition(model, "secrets", str(secret.get("source"))).get("file") or "")


def _volumes_of(spec: Spec) -> list[str]:
    mounts = spec.get("volumes") or []
    return [str(m["source"]) for m in mounts if m.get("type") == "volume" and m.get("source")]


def _used(spec: Spec) -> dict[tuple[str, str], None]:
    return dict.fromkeys(
        (kind, str(item.get("source"))) for kind in ("secrets", "configs") for item in spec.get(kind) or []
    )
