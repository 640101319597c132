"""How the production preview differs from the dev container: a table, and the names of variables, never their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import asdict

from devctl.domain.plan.engine_state import Container


class Difference(Struct, frozen=True):
    """One row: `what` of `service`, in dev and in prod, for people to read."""

    service: str
    what: str
    dev: str
    prod: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Side(Struct, frozen=True):
    """A container of one mode and the size of its image (None: unknown)."""

    container: Container
    image_bytes: int | None


def differences(service: str, dev: Side, prod: Side) -> tuple[Difference, ...]:
    """The rows in which the two differ, in the order of the table."""
    rows = [(what, show(dev), show(prod)) for what, show in _ROWS]
    found = [Difference(service, what, one, other) for what, one, other in rows if one != other]
    if dev.container.env != prod.container.env:
        found.append(Difference(service, "env", *_env(dev.container.env, prod.container.env)))
    return tuple(found)


def _image(side: Side) -> str:
    return side.container.image


def _size(side: Side) -> str:
    return "unknown" if side.image_bytes is None else f"{side.image_bytes / 1_000_000:.2f} MB"


def _user(side: Side) -> str:
    return side.container.user or "root"


def _pid_1(side: Side) -> str:
    """`--init` puts the engine's own process before the one that the image names."""
    words = " ".join(side.container.command)
    return f"init, then {words}" if side.container.init else words


def _mounts(side: Side) -> str:
    return _listed(side.container.mounts)


def _root_files(side: Side) -> str:
    return "read-only" if side.container.read_only else "writable"


def _capabilities(side: Side) -> str:
    dropped, added = side.container.cap_drop, side.container.cap_add
    kept = "none" if "ALL" in dropped else f"default without {', '.join(dropped)}" if dropped else "default"
    return f"{kept}, with {', '.join(added)}" if added else kept


def _ports(side: Side) -> str:
    return _listed(f"{ip}:{host}→{port}" for port, (ip, host) in sorted(side.container.ports.items()))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _env(dev: Mapping[str, str], prod: Mapping[str, str]) -> tuple[str, str]:
    """Names on one side only, and those with different values. The values themselves are not used."""
    other = [
        f"{name} (another value)" for name in sorted(dev.keys() & prod.keys()) if dev[name] != prod[name]
    ]
    return _listed([*sorted(dev.keys() - prod.keys()), *other]), _listed(
        [*sorted(prod.keys() - dev.keys()), *other]
    )


_ROWS: tuple[tuple[str, Callable[[Side], str]], ...] = (
    ("image", _image),
    ("size", _size),
    ("user", _user),
    ("pid 1", _pid_1),
    ("mounts", _mounts),
    ("files", _root_files),
    ("capabilities", _capabilities),
    ("ports", _ports),
)
