"""The readiness checks that `go list` has something to say to: cgo, and the files that are embedded."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from devctl.domain.golist import WithoutC
from devctl.domain.inspected import Inspected, Verdict

_C_WANTED = "RUN CGO_ENABLED=1 go build … in a builder with a C compiler"
_OWN = 'import "C"'


def cgo(it: Inspected) -> Verdict | str | None:
    """Code that needs C and was built without it: known modules, and what go list finds in the packages really built."""
    need, built = it.service.cgo, it.settings.get("CGO_ENABLED")
    with_c = it.listed.with_c if it.listed is not None else ()
    if built is None or (need is None and not with_c):
        return None
    if built == "1":
        return f"{need.value if need is not None else with_c[0]} needs cgo, and the program was built with it"
    found = it.listed.without if it.listed is not None else None
    if need is not None and (need.value != _OWN or found is None):
        # Known to do nothing without C; or nobody could say what is built in its place.
        return "warn", _fails(need.value), f"{_C_WANTED}, or a package that needs no C", need.place
    return _left_out(sorted(found, key=lambda f: not f.says)) if found else None


def _fails(what: str) -> str:
    return f"{what} needs cgo, and the program was built with CGO_ENABLED=0: it fails where that is used"


def _left_out(found: Sequence[WithoutC]) -> Verdict:
    first = found[0]
    more = f"; built without it as well: {', '.join(f.package for f in found[1:])}" if len(found) > 1 else ""
    if first.says:
        return (
            "warn",
            f"{_fails(first.package)} ({first.says}){more}",
            f"{_C_WANTED}, or a package that needs no C",
            first.place,
        )
    uses = (
        "is partly written in C"
        if first.c == first.package
        else f"has {first.c}, which is written in C, behind it"
    )
    left = _names(first.left_out)
    instead = (
        f"{_names(first.instead)} in place of {left}; whether that does the same cannot be told"
        if first.instead
        else f"{left} left out"
    )
    return (
        "warn",
        f"{first.package} {uses}, and the program was built with CGO_ENABLED=0: {instead}{more}",
        f"try what uses it in the preview; with C: {_C_WANTED}",
        first.place,
    )


def embedded(it: Inspected) -> Verdict | str | None:
    """Files of the program whose change would not build it again in dev."""
    watched = it.service.embedded
    if it.listed is None or not it.listed.embedded or it.rebuilt_by is None:
        return None
    endings = {*it.rebuilt_by, *(name.removeprefix("*.") for name in watched if name.startswith("*."))}
    missed = [
        name
        for name in it.listed.embedded
        if name not in watched and posixpath.splitext(name)[1].removeprefix(".") not in endings
    ]
    if not missed:
        return f"{len(it.listed.embedded)} embedded files, each built anew when it is saved"
    detail = f"embedded, and not built anew when saved in dev: {_names(missed)}"
    return (
        "warn",
        detail,
        "devctl init, then their endings into include_ext of .air.toml; until then save a Go file too",
        missed[0],
    )


def _names(files: Sequence[str]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"{', '.join(files[:3])}{more}"
