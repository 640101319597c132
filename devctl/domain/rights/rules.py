"""How a value may change without granting anything: the rules that the table of keys uses.

Each rule takes the value before and the value now and yields, in words, what would be granted; nothing if nothing is. Read as
"may become", each is reflexive and transitive: any number of harmless changes are together as harmless as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from devctl.domain.plan.engine_state import (
    DEBUG_LABEL,
    DEFINITION_LABEL,
    DEPS_LABEL,
    FOLDER_LABEL,
    INPUTS_LABEL,
    MACHINE_LABEL,
    MODE_LABEL,
    PROJECT_LABEL,
    ROOT_LABEL,
    SERVICE_LABEL,
    VERSION_LABEL,
)

Rule = Callable[[Any, Any], Iterator[str]]
OURS = frozenset(
    {
        DEBUG_LABEL,
        DEFINITION_LABEL,
        DEPS_LABEL,
        FOLDER_LABEL,
        INPUTS_LABEL,
        MACHINE_LABEL,
        MODE_LABEL,
        PROJECT_LABEL,
        ROOT_LABEL,
        SERVICE_LABEL,
        VERSION_LABEL,
    }
)
"""Labels that devctl sets whatever a compose file says."""


class Key(Struct, frozen=True):
    """One key of compose. `says`: how a grant begins, if the key itself would not be understood; `why`: the reason for this
    rule."""

    rule: Rule
    why: str
    says: str = ""


class Table(Struct, frozen=True):
    """Rules by key. A key that is not in it is one that nobody has considered: any change of it is a grant."""

    keys: Mapping[str, Key]
    name: str = ""
    """Prefix of a key in messages: `deploy.`"""
    kept: str = "what `{was}` denied it"
    extensions: bool = True
    """Whether `x-…` is free: compose passes it to nobody."""

    def __call__(self, old: Any, new: Any) -> Iterator[str]:
        for key in changed(_mapping(old), _mapping(new)):
            yield from self.judge(key, _mapping(old).get(key), _mapping(new).get(key))

    def judge(self, key: str, old: Any, new: Any) -> Iterator[str]:
        """What a change of this key grants."""
        known = self.keys.get(key)
        if known is None and key.startswith("x-") and self.extensions:
            return
        if known is None or known.rule is same:
            yield self._differs(key, old, new)
        else:
            yield from known.rule(old, new)

    def _differs(self, key: str, old: Any, new: Any) -> str:
        if is_nothing(new):
            return self.kept.format(was=f"{key}: {short(old)}")
        says = self.keys[key].says if key in self.keys else ""
        return f"{says or f'{self.name}{key}:'} {short(added(old, new))}"


def free(old: Any, new: Any) -> Iterator[str]:
    """Whatever it says concerns only the container."""
    return iter(())


def same(old: Any, new: Any) -> Iterator[str]:
    """Any other value is a grant, and so is removing it."""
    if old != new and not (is_nothing(old) and is_nothing(new)):
        yield short(new)


def judged_elsewhere(old: Any, new: Any) -> Iterator[str]:
    """Its meaning depends on other keys too: domain/rights/grants.py, or reach.py, judges all of them together."""
    return iter(())


def lock(key: str) -> Rule:
    """A key whose `true` denies something to the container."""

    def rule(old: Any, new: Any) -> Iterator[str]:
        if not is_nothing(old) and new != old and new is not True:
            yield f"what `{key}: {short(old).lower()}` denied it"

    return rule


def switch(says: str) -> Rule:
    """A key whose `true` gives everything, and which may be turned off."""

    def rule(old: Any, new: Any) -> Iterator[str]:
        if not is_nothing(new) and new != old:
            yield says

    return rule


def fewer(says: str) -> Rule:
    """A list whose entries may be removed."""

    def rule(old: Any, new: Any) -> Iterator[str]:
        more = [item for item in _list(new) if item not in _list(old)]
        if more:
            yield f"{says} {short(more)}"

    return rule


def cap_drop(old: Any, new: Any) -> Iterator[str]:
    """More capabilities, or all of them, may be dropped."""
    less = [cap for cap in _list(old) if cap not in _list(new)]
    if less and "ALL" not in _list(new):
        yield f"the capabilities that cap_drop removed: {', '.join(sorted(map(str, less)))}"


def security_opt(old: Any, new: Any) -> Iterator[str]:
    """No option may be removed, and only one that takes away a right may be added."""
    locks = ("no-new-privileges:true", "no-new-privileges")
    more = [option for option in _list(new) if option not in _list(old) and option not in locks]
    less = [option for option in _list(old) if option not in _list(new)]
    if more:
        yield f"security options {short(more)}"
    if less:
        yield f"what security_opt denied it: {short(less)}"


def labels(old: Any, new: Any) -> Iterator[str]:
    """Other programs on the machine act on labels: a proxy publishes containers with its own, an updater replaces them."""
    for label in changed(_mapping(old), _mapping(new), exactly=True):
        if label not in OURS:
            yield f"a label that other programs may act on: {label}={short(_mapping(new).get(label))}"


def ports(old: Any, new: Any) -> Iterator[str]:
    """On the loopback only this machine can reach them."""
    for port in _list(new):
        if port in _list(old):
            continue
        more = {key: value for key, value in port.items() if key not in PORT}
        if more:
            yield f"a port with {short(more)}"
        elif not (port.get("published") and is_loopback(str(port.get("host_ip") or ""))):
            where = f"{port.get('host_ip') or 'every address'}:{port.get('published') or 'any port'}"
            yield f"a port that other machines can reach: {where}, port {port.get('target')} in the container"


def uses(old: Any, new: Any) -> Iterator[str]:
    """Of a secret or config: where it is put, and who owns it there. Its content is judged where it is defined."""
    for use in _list(new):
        more = {key: value for key, value in use.items() if key not in USE}
        if more and use not in _list(old):
            yield f"{use.get('source')} with {short(more)}"


USE = frozenset("source target uid gid mode".split())
PORT = frozenset("app_protocol host_ip mode name protocol published target".split())


def emptied(old: Any, new: Any) -> Iterator[str]:
    """A setting that may be removed, but not changed."""
    if not is_nothing(new) and new != old:
        yield f"ipam: {short(new)}"


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_nothing(value: Any) -> bool:
    """A key without a value counts as absent. 0 is a value."""
    return value is None or value is False or (isinstance(value, str | list | tuple | dict) and not value)


def changed(old: Mapping[str, Any], new: Mapping[str, Any], *, exactly: bool = False) -> list[str]:
    """Keys whose value differs; with `exactly` an empty value counts too."""
    keys = dict.fromkeys([*old, *new])
    if exactly:
        return [key for key in keys if (key in old, old.get(key)) != (key in new, new.get(key))]
    return [
        key
        for key in keys
        if old.get(key) != new.get(key) and not (is_nothing(old.get(key)) and is_nothing(new.get(key)))
    ]


def added(old: Any, new: Any) -> Any:
    if isinstance(old, list) and isinstance(new, list):
        return [item for item in new if item not in old] or new
    return new


def short(value: Any) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{k}: {short(v)}" for k, v in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(short(v) for v in value)
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
