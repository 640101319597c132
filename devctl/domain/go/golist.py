"""What `go list -deps -json` says about a main package: packages that differ without cgo, and the files that it embeds.

Run twice, with cgo and without, and compared: only what the program is really built from counts, and the standard library
never does (net and os/user do the same without C).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.regex import regex

FIELDS = "ImportPath,Dir,Standard,Module,GoFiles,CgoFiles,Imports,EmbedFiles"
# A sentence in quotes: an import path contains no space.
_SENTENCE = regex(r'"((?:[^"\\]|\\.)*cgo(?:[^"\\]|\\.)*)"|`([^`]*cgo[^`]*)`', re.IGNORECASE)


class Listed(Struct, frozen=True):
    """One package outside the standard library. `own`: in the module of the main package, `at` its folder there."""

    path: str
    folder: str
    own: bool
    at: str
    files: frozenset[str]
    c_files: frozenset[str]
    imports: tuple[str, ...]
    embedded: tuple[str, ...]


class WithoutC(Struct, frozen=True):
    """A package that is built from other files without cgo: `instead` replace `left_out`.

    `c`: the package with C in it: itself, or one that it imports only with cgo. `place`: the project's folder that needs it.
    `folder`: where its files are in the container. `says`: what a stub says about that, with its line.
    """

    package: str
    place: str
    folder: str
    left_out: tuple[str, ...]
    instead: tuple[str, ...]
    c: str
    says: str = ""


class Listing(Struct, frozen=True):
    """`with_c`: packages partly written in C, if cgo is on. `without`: None if nothing can be built without it.

    `embedded`: files, relative to the project.
    """

    with_c: tuple[str, ...] = ()
    without: tuple[WithoutC, ...] | None = ()
    embedded: tuple[str, ...] = ()


def parse(text: str) -> tuple[Listed, ...]:
    """In Go's order: the main package comes last. Raises ValueError if it is not output of `go list`."""
    decoder, at, raw = json.JSONDecoder(), 0, []
    text = text.rstrip()
    while at < len(text):
        package, at = decoder.raw_decode(text, at)
        at += 1  # the line feed
        if not isinstance(package, dict):
            raise ValueError("no package")
        if not package.get("Standard"):
            raw.append(package)
    main = _module(raw[-1]).get("Path") if raw else None
    return tuple(_listed(package, own=_module(package).get("Path") == main) for package in raw)


def written_in_c(packages: Iterable[Listed]) -> tuple[str, ...]:
    return tuple(p.path for p in packages if p.c_files)


def compare(with_c: Iterable[Listed], without: Iterable[Listed], *, module_dir: str) -> tuple[WithoutC, ...]:
    """What in a program built without cgo would consist of other files with it. `module_dir`: relative to the project.

    Not packages with other files but no C in either case (rlp of go-ethereum takes cgo as a sign that `unsafe` may be used).
    """
    whole, built = {p.path: p for p in with_c}, {p.path: p for p in without}
    needed_by = _needed_by(built)
    found = []
    for package in whole.values():
        plain = built.get(package.path)
        files = package.files | package.c_files
        c = _c_of(package, plain, whole) if plain is not None and plain.files != files else None
        if plain is None or c is None:
            continue
        found.append(
            WithoutC(
                package=package.path,
                place=posixpath.normpath(posixpath.join(module_dir, needed_by.get(package.path, "."))),
                folder=package.folder,
                left_out=tuple(sorted(files - plain.files)),
                instead=tuple(sorted(plain.files - files)),
                c=c,
            )
        )
    return tuple(found)


def _c_of(package: Listed, plain: Listed, whole: Mapping[str, Listed]) -> str | None:
    """The C that is in a package only with cgo: its own, or that of what it then imports."""
    if package.c_files:
        return package.path
    waiting = [path for path in package.imports if path in whole and path not in plain.imports]
    for path in waiting:
        if whole[path].c_files:
            return path
        waiting += [p for p in whole[path].imports if p in whole and p not in waiting]
    return None


def embedded_files(packages: Iterable[Listed], *, module_dir: str) -> tuple[str, ...]:
    """Those in the module of the main package."""
    names = (posixpath.join(module_dir, p.at, name) for p in packages if p.own for name in p.embedded)
    return tuple(sorted({posixpath.normpath(name) for name in names}))


def with_words(found: Iterable[WithoutC], grepped: str) -> tuple[WithoutC, ...]:
    """With what a stub itself says. `grepped`: its lines with `cgo` in them, as `FILE:LINE:TEXT`."""
    said: dict[str, str] = {}
    for line in grepped.splitlines():
        path, number, text = [*line.split(":", 2), "", ""][:3]
        sentence = _SENTENCE.search(text) if not text.lstrip().startswith("//") else None
        words = (sentence[1] or sentence[2]) if sentence is not None else ""
        if " " in words:
            said.setdefault(path, f"{posixpath.basename(path)}:{number}: {words}")
    return tuple(
        replace(f, says=next((said[p] for n in f.instead if (p := f"{f.folder}/{n}") in said), ""))
        for f in found
    )


def _module(raw: Mapping[str, object]) -> Mapping[str, object]:
    module = raw.get("Module")
    return module if isinstance(module, dict) else {}


def _listed(raw: Mapping[str, object], *, own: bool) -> Listed:
    def names(key: str) -> tuple[str, ...]:
        value = raw.get(key)
        return tuple(str(name) for name in value) if isinstance(value, list) else ()

    folder = str(raw.get("Dir", "."))
    at = posixpath.relpath(folder, str(_module(raw).get("Dir") or folder)) if own else "."
    return Listed(
        path=str(raw.get("ImportPath", "")),
        folder=folder,
        own=own,
        at=at,
        files=frozenset(names("GoFiles")),
        c_files=frozenset(names("CgoFiles")),
        imports=names("Imports"),
        embedded=names("EmbedFiles"),
    )


def _needed_by(built: Mapping[str, Listed]) -> dict[str, str]:
    """Package → the project's folder through which the main package first reaches it."""
    main = [*built.values()][-1] if built else None
    if main is None:
        return {}
    found, waiting = {main.path: main.at}, [main]
    for package in waiting:
        for path in package.imports:
            other = built.get(path)
            if other is not None and path not in found:
                found[path] = other.at if other.own else found[package.path]
                waiting.append(other)
    return found
