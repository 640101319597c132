"""The fingerprint of a deps layer: a hash of what the manifests mean, not of how they are written."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from hashlib import sha256

from devctl.domain.go.gomod import GoMod, parse_mod, parse_work
from devctl.errors import FilesError

Read = Callable[[str], str | None]


def fingerprint(entries: Mapping[str, bytes | None]) -> str:
    """A hash over files by path. Absent files (None) count as nonexistent; so does an empty go.sum."""
    whole = sha256()
    for path, content in sorted(entries.items()):
        meaning = None if content is None else normalise(path, content)
        if meaning:
            whole.update(f"{path}\0{len(meaning)}\0".encode())
            whole.update(meaning)
    return whole.hexdigest()[:32]


def normalise(path: str, content: bytes) -> bytes:
    """The part of a file that a build depends on; the raw bytes if devctl has no grammar for it or it does not parse."""
    name = posixpath.basename(path)
    if name in ("go.sum", "go.work.sum"):
        return b"\n".join(sorted({line.strip() for line in content.splitlines() if line.strip()}))
    if name not in ("go.mod", "go.work"):
        return content
    parse = parse_mod if name == "go.mod" else parse_work
    try:
        return repr(parse(content.decode(), path=path).meaning()).encode()
    except (FilesError, UnicodeDecodeError):
        return content


def manifests(module_dir: str, *, read: Read, workspace: bool = True) -> tuple[str, ...]:
    """The files whose meaning decides the deps layer of the module in `module_dir`, relative to the project.

    Its go.mod, go.sum and vendor/modules.txt; a go.work above it (unless `workspace` is off, as with GOWORK=off) with its
    members; the go.mod of folders used by `replace`. Files that do not exist are included too: they may appear. A path may
    start with `../` if a replacement is outside the project.
    """
    work = _work_above(module_dir, read) if workspace else None
    found = _module_files(module_dir)
    seeds = {module_dir}
    if work is not None:
        base = posixpath.dirname(work)
        found += [work, f"{work}.sum", _join(base, "vendor/modules.txt")]
        parsed = _parsed(work, read)
        seeds |= {_join(base, folder) for folder in (parsed.uses if parsed else ())}
        found += [_join(base, r.new, "go.mod") for r in (parsed.replaces if parsed else ()) if r.local]
    for folder in sorted(seeds):
        found += [_join(folder, "go.mod"), _join(folder, "go.sum")]
        mod = _parsed(_join(folder, "go.mod"), read)
        found += [_join(folder, r.new, "go.mod") for r in (mod.replaces if mod else ()) if r.local]
    return tuple(dict.fromkeys(found))


def _module_files(folder: str) -> list[str]:
    return [_join(folder, name) for name in ("go.mod", "go.sum", "vendor/modules.txt")]


def _work_above(folder: str, read: Read) -> str | None:
    """Go takes the nearest go.work; this looks only inside the project."""
    current = _join(folder)
    while not current.startswith(".."):
        if read(candidate := _join(current, "go.work")) is not None:
            return candidate
        if current == ".":
            return None
        current = posixpath.dirname(current) or "."
    return None


def _parsed(path: str, read: Read) -> GoMod | None:
    text = read(path)
    if text is None:
        return None
    try:
        return (parse_work if path.endswith(".work") else parse_mod)(text, path=path)
    except FilesError:
        return None


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*(part or "." for part in parts)))
