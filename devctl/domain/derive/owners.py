"""Users and groups of an image: names that its base or its lines create, and numbers for those that another base does not
have."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.argv import parted
from devctl.domain.dockerfile.runtime_bases import NONROOT
from devctl.domain.numbers import whole
from devctl.domain.regex import regex

_MAKES = regex(r"\b(adduser|useradd|addgroup|groupadd)\b([^&|;\n]*)")
_NUMBER = {
    "adduser": ("-u", "--uid"),
    "useradd": ("-u", "--uid"),
    "addgroup": ("-g", "--gid"),
    "groupadd": ("-g", "--gid"),
}
_GROUP = {"adduser": ("-G", "--ingroup", "--gid"), "useradd": ("-g", "--gid")}
_HOME = ("-h", "--home", "-d", "--home-dir")
# The same on every base that has them.
_EVERYWHERE = {"root": "0", "nobody": "65534", "nogroup": "65534", "nonroot": "65532"}


class Made(Struct, frozen=True):
    """What RUN lines create: users by name (number, name of the primary group, home), groups by name."""

    users: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


class Owners(Struct, frozen=True):
    """`names`: existing users and groups (`any`: all, the image brings its own list), `elsewhere`: numbers of others."""

    names: frozenset[str] = frozenset()
    elsewhere: Made = Made()
    any: bool = False

    def there(self, made: Made) -> Owners:
        return replace(self, names=self.names | {*made.users, *made.groups})

    def known(self, made: Made) -> Owners:
        before = self.elsewhere
        return replace(self, elsewhere=Made({**before.users, **made.users}, {**before.groups, **made.groups}))

    def knows(self, owner: str) -> bool:
        """For `user` or `user:group`, as in USER and --chown."""
        words = [word for word in owner.split(":") if word]
        return self.any or all(whole(word) is not None or word in self.names for word in words)

    def written(self, owner: str) -> str:
        """In the form that USER takes here."""
        return owner if self.knows(owner) else self.number(owner, primary=True) or NONROOT

    def number(self, owner: str, *, primary: bool = False) -> str | None:
        """`10001:10001`; `primary`: with the user's own group if none is named. None if it is unknown."""
        name, _, group = owner.partition(":")
        user = name if whole(name) is not None else self._user(name)
        if not group and not primary:
            return user
        of_group = self._group(group or self.elsewhere.users.get(name, ("", name, ""))[1])
        return f"{user}:{of_group or user}" if user is not None and (of_group or not group) else None

    def home(self, name: str) -> str:
        """That of a user who is created elsewhere; "" if there is none."""
        return self.elsewhere.users.get(name, ("", "", ""))[2]

    def _user(self, name: str) -> str | None:
        return self.elsewhere.users.get(name, ("", "", ""))[0] or _EVERYWHERE.get(name)

    def _group(self, name: str) -> str | None:
        return name if whole(name) is not None else self.elsewhere.groups.get(name) or _EVERYWHERE.get(name)


def made_by(text: str) -> Made:
    """From a RUN line with its variables substituted: `addgroup -g 1001 app && adduser -D -u 1001 -G app app`."""
    users: dict[str, tuple[str, str, str]] = {}
    groups: dict[str, str] = {}
    for tool, rest in _MAKES.findall(text.replace("\\\n", " ")):
        words = parted(rest)
        name, number = words[-1] if words else "", _option(words, _NUMBER[tool])
        if not name or name.startswith("-"):
            continue
        if tool in _GROUP and (number or name not in users):
            home = _option(words, _HOME) or f"/home/{name}"
            users[name] = (number, _option(words, _GROUP[tool]) or name, home)
        elif tool not in _GROUP and number:
            groups[name] = number
    return Made(users, groups)


def _option(words: list[str], names: tuple[str, ...]) -> str:
    for word, following in pairwise(words):
        if word in names:
            return following
    return next((w.partition("=")[2] for w in words if w.partition("=")[0] in names and "=" in w), "")
