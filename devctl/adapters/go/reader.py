"""Reads the Go modules below a folder into facts: the first lines of all files, the syntax of those that may serve."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.adapters.go.config_files import (
    config_files,
    told_by_config,
    with_configs,
    with_dotenv,
    with_env_files,
)
from devctl.adapters.go.embed import embed_patterns, embedded
from devctl.adapters.go.frameworks import is_framework
from devctl.adapters.go.frontend import unbuilt_embeds, unbuilt_folders
from devctl.adapters.inputs import asked
from devctl.adapters.system.beneath import Beneath
from devctl.adapters.system.files import NOT_SOURCE, go_digest
from devctl.adapters.system.regular_file import walk
from devctl.domain.go.facts import GoPackage, Located, Module, SourceFacts
from devctl.domain.go.file_head import (
    Head,
    file_name_counts,
    named_by_imports,
    read_head,
    ungenerated,
)
from devctl.domain.go.gomod import GoMod, parse_mod
from devctl.domain.go.prefilter import reachable, worth_parsing
from devctl.domain.paths import is_below
from devctl.domain.regex import regex
from devctl.errors import FilesError

# A broken go.mod in one of these is a sample, not the project's.
_SAMPLES = frozenset(
    {"example", "examples", "fixtures", "_examples", "sample", "samples", "test", "tests", "docs"}
)
_LINKED = 2000
"""Folders behind links that are read: a few links that lead to one another make any number of paths."""
_GO_LINE = regex(r"^\s*go\s+\d", re.MULTILINE)
_MAIN = regex(rb"^func main\(\)", re.MULTILINE)
_LOADS_ZONE = b"time.LoadLocation("
_WILD = regex(r"[*?\[]")


class _Folder(Struct):
    """`path` relative to the root; sources by file name, with the facts from their first lines. `refused`: the files that may not
    be read."""

    path: str
    sources: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    ungenerated: tuple[tuple[str, str, str], ...] = ()
    refused: dict[str, PermissionError] = field(default_factory=dict)


def read(root: Path) -> SourceFacts:
    """All modules below `root`; raises FilesError if a go.mod is broken, or a file that a program may be built from may not be
    read."""
    folders: list[_Folder] = []
    mods: dict[str, str] = {}
    frontends = []
    if asked.is_recording():
        asked.note("go", root, go_digest(str(root)))  # what is saved while it is read is different from that
    with Beneath(root, noted=False) as tree:
        for path, names, linked in _walk(root):
            if linked:
                _note_linked(root, path, names)
            folder = _folder(tree, path, names)
            if linked:  # a second name for a main package or module that already has one
                folders += [folder] if _package_name(folder.heads) not in ("", "main") else []
                continue
            if "go.mod" in names and (content := _manifest(tree, path)) is not None:
                mods[path] = content.decode(errors="replace")
            frontends += [path] if "package.json" in names else []
            folders.append(folder)
    parsed = _parse_all(mods)
    by_module: dict[str, list[_Folder]] = {path: [] for path in parsed}
    loose: list[_Folder] = []
    for folder in folders:
        owner = _owner(folder.path, mods)
        if owner in by_module:
            by_module[owner].append(folder)
        elif owner is None and folder.heads:
            loose.append(folder)
    built = _built({path: (parsed[path], by_module[path]) for path in parsed})
    for folders_of_one in by_module.values():
        _refuse_unreadable(folders_of_one, built)
    modules = [
        _module(
            root,
            path,
            parsed[path],
            mods[path],
            packages=[
                _package(root, f, built, framework=is_framework(r.path for r in parsed[path].requires))
                for f in by_module[path]
                if f.heads
            ],
        )
        for path in sorted(parsed)
    ]
    work = "go.work" if asked.is_file(root / "go.work") else None
    return SourceFacts(tuple(modules), work, *_without_module(loose), tuple(frontends))


def _note_linked(root: Path, folder: str, names: frozenset[str]) -> None:
    """`go_digest` follows no links."""
    asked.will_list(root / folder)
    for name in names:
        if name.endswith(".go") or name == "go.mod":
            asked.will_read(root / folder / name)


def _without_module(folders: list[_Folder]) -> tuple[str | None, str]:
    if not folders:
        return None, ""
    imports = [path for f in folders for head in f.heads.values() for path in head.imports]
    first = posixpath.join(folders[0].path, min(folders[0].heads))
    return posixpath.normpath(first), named_by_imports((f.path for f in folders), imports)


def _walk(root: Path) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Folders that may contain Go, with their files; unreadable ones are skipped (a database's data, for example).

    Last come those behind a link that stays in the project (True): an import finds a package there, under the name of the
    link.
    """
    top, skip, behind = os.path.realpath(root), len(str(root)) + 1, 0
    waiting: list[tuple[str, frozenset[str]]] = [(str(root), frozenset())]
    for start, passed in waiting:
        linked = start != str(root)
        for folder, names, files in walk(start):
            behind += linked
            if behind > _LINKED:
                return
            # Behind a link, a separate module has its packages under another name.
            inner = linked and "go.mod" in files
            names[:] = sorted(n for n in names if n not in NOT_SOURCE and n[0] not in "._" and not inner)
            if not inner:
                yield folder[skip:].replace(os.sep, "/") or ".", frozenset(files), linked
            for path in (f"{folder}/{name}" for name in names):
                if len(waiting) < _LINKED and Path(path).is_symlink():
                    real = os.path.realpath(path)
                    around = is_below(os.path.realpath(folder), real) or real in passed
                    if not around and real.startswith(f"{top}/"):
                        waiting.append((path, passed | {real}))


def _manifest(tree: Beneath, folder: str) -> bytes | None:
    """A go.mod that exists but cannot be read is reported: without it nothing in the module would be found."""
    path = posixpath.normpath(posixpath.join(folder, "go.mod"))
    try:
        return tree.read(path)
    except FileNotFoundError:  # a dangling link
        return None
    except OSError as error:
        if _SAMPLES & set(folder.split("/")):
            return None
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> FilesError:
    return FilesError(
        f"{path} cannot be read: {error.strerror}",
        code="unreadable-file",
        hint=f"make {path} a regular file inside the project that you may read",
        place=path,
    )


def _refuse_unreadable(folders: Iterable[_Folder], built: frozenset[str]) -> None:
    """Without it, another program would be chosen, or none be found. A package that no program imports is not built; one of
    which nothing can be read may be a program."""
    for folder in folders:
        sample = bool(_SAMPLES & set(folder.path.split("/")))
        if folder.refused and not sample and (folder.path in built or not folder.heads):
            name = min(folder.refused)
            raise _unreadable(posixpath.normpath(posixpath.join(folder.path, name)), folder.refused[name])


def _source(folder: _Folder, tree: Beneath, name: str) -> bytes | None:
    """None for what no build could read either, or what never ends: a link out of the project, a FIFO, a device."""
    try:
        return tree.read(name if folder.path == "." else f"{folder.path}/{name}")
    except PermissionError as error:
        folder.refused[name] = error
        return None
    except OSError:
        return None


def _folder(tree: Beneath, path: str, names: frozenset[str]) -> _Folder:
    folder = _Folder(path)
    for name in sorted(names):
        if not file_name_counts(name) or (source := _source(folder, tree, name)) is None:
            continue
        head = read_head(source)
        if head is not None and head.package != "documentation":  # the go command ignores that name
            folder.sources[name], folder.heads[name] = source, head
    folder.ungenerated = ungenerated(names, built=folder.heads)
    return folder


def _parse_all(mods: dict[str, str]) -> dict[str, GoMod]:
    parsed = {}
    for path, content in mods.items():
        try:
            parsed[path] = parse_mod(content, path=posixpath.normpath(posixpath.join(path, "go.mod")))
        except FilesError:
            if not _SAMPLES & set(path.split("/")):
                raise
    return parsed


def _owner(path: str, mods: Iterable[str]) -> str | None:
    """The module of a folder: the nearest go.mod in it or above it."""
    while path not in mods:
        if path == ".":
            return None
        path = posixpath.dirname(path) or "."
    return path


def _module(root: Path, path: str, mod: GoMod, content: str, *, packages: list[GoPackage]) -> Module:
    line = _GO_LINE.search(content)
    base = root / path
    packages = [with_configs(base, p) for p in packages]
    opened = _existing(base, {o.value for p in packages for o in p.opens})
    packages = [
        told_by_config(root, base, _beside(root, path, p, packages, opened), opened) for p in packages
    ]
    packages = with_dotenv(root, base, [with_env_files(base, p) for p in packages])
    return Module(
        dir=path,
        path=mod.module,
        go=mod.go,
        toolchain=mod.toolchain,
        requires=tuple(r.path for r in mod.requires),
        packages=tuple(_only_opened(_with_unbuilt(root, base, p, opened), opened) for p in packages),
        has_sum=asked.is_file(base / "go.sum"),
        go_line=content.count("\n", 0, line.end()) + 1 if line else None,
        config_files=config_files(root, base),
        text=content,
    )


def _built(modules: Mapping[str, tuple[GoMod, list[_Folder]]]) -> frozenset[str]:
    """Folders of packages that some `package main` is built from: nothing else can serve."""
    where: dict[str, str] = {}
    imports: dict[str, frozenset[str]] = {}
    mains = []
    for path, (mod, folders) in modules.items():
        for folder in folders:
            below = "" if folder.path == path else folder.path.removeprefix("" if path == "." else f"{path}/")
            name = f"{mod.module}/{below}".removesuffix("/")
            where[name] = folder.path
            imports[name] = frozenset[str]().union(*(head.imports for head in folder.heads.values()))
            if any(head.package == "main" for head in folder.heads.values()):
                mains.append(name)
    return frozenset(where[name] for name in reachable(mains, imports))


def _package(root: Path, folder: _Folder, built: frozenset[str], *, framework: bool) -> GoPackage:
    name = _package_name(folder.heads)
    heads = {file: head for file, head in folder.heads.items() if head.package == name}
    imports = frozenset[str]().union(*(head.imports for head in heads.values()))
    sources = {file: folder.sources[file] for file in heads}
    plain = GoPackage(
        folder.path,
        name,
        name == "main" and any(_MAIN.search(source) for source in sources.values()),
        tuple(sorted(imports)),
        embeds=_embeds(sources[file] for file in heads if "embed" in heads[file].imports),
        uses_cgo="C" in imports,
        ungenerated=folder.ungenerated,
        loads_zone=_loads_zone(folder.path, sources) if "time" in imports else None,
    )
    if plain.embeds and folder.path in built:
        embedding = {file: sources[file] for file in heads if "embed" in heads[file].imports}
        plain = replace(
            plain,
            embedded=embedded(root, folder.path, plain.embeds),
            unbuilt=unbuilt_embeds(root, folder.path, embedding),
        )
    return plain if folder.path not in built else _parsed(plain, heads, sources, framework=framework)


def _parsed(
    plain: GoPackage, heads: Mapping[str, Head], sources: Mapping[str, bytes], *, framework: bool
) -> GoPackage:
    """The package with facts from its files' syntax, if one of them is worth parsing."""

    def worth(file: str, *, main: bool) -> bool:
        return worth_parsing(sources[file], heads[file].imports, main=main, framework=framework)

    wanted = [f for f in heads if worth(f, main=plain.name == "main")]
    if not wanted:
        return plain
    from devctl.adapters.go.package import read_package

    prefix = "" if plain.dir == "." else f"{plain.dir}/"
    may_name_it = (f for f in heads if f not in wanted and worth(f, main=True))
    found = read_package(
        {prefix + f: sources[f] for f in wanted},
        plain.imports,
        others=((prefix + f, sources[f]) for f in may_name_it),
        framework=framework,
    )
    return replace(plain, **found.facts())


def _loads_zone(folder: str, sources: Mapping[str, bytes]) -> str | None:
    """The place of the first `time.LoadLocation(` outside a comment."""
    for name, source in sources.items():
        if _LOADS_ZONE not in source:
            continue
        for number, line in enumerate(source.split(b"\n"), 1):
            before, found, _ = line.partition(_LOADS_ZONE)
            if found and b"//" not in before:
                return posixpath.normpath(f"{folder}/{name}:{number}")
    return None


def _package_name(heads: dict[str, Head]) -> str:
    """A folder that is being edited may contain two package names; the one that most files use counts."""
    names = [head.package for head in heads.values()]
    return max(sorted(set(names)), key=names.count, default="")


def _embeds(sources: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern for source in sources for _, pattern in embed_patterns(source)))


def _existing(base: Path, opened: Iterable[str], *, top: Path | None = None) -> dict[str, str]:
    """The files that really exist: `templates/*.html` → `templates`; names that do not exist below the module are omitted.

    `top`: how far up a name may lead if `base` is below it (`../../configs`).
    """
    found = {}
    for value in opened:
        fixed = _WILD.split(value)[0]
        plain = posixpath.normpath(fixed if fixed == value else posixpath.dirname(fixed) or ".")
        if plain == "." or len(plain) > 200 or (plain.startswith("..") and not _is_inside(base, plain, top)):
            continue
        if asked.exists(base / plain):
            found[value] = plain
    return found


def _is_inside(base: Path, path: str, top: Path | None) -> bool:
    return top is not None and posixpath.normpath((base / path).as_posix()).startswith(f"{top.as_posix()}/")


def _beside(
    root: Path, module: str, main: GoPackage, packages: list[GoPackage], opened: dict[str, str]
) -> GoPackage:
    """A main package below the module is started in its own folder if the files that its code there opens are beside it and
    not beside go.mod."""
    if main.name != "main" or main.dir == module:
        return main
    own = [o for p in packages if is_below(p.dir, main.dir) for o in p.opens]
    found = _existing(root / main.dir, {o.value for o in own}, top=root / module)
    if not found or any(o.value in opened for o in own):
        return main
    below = posixpath.relpath(main.dir, module)
    kept = tuple(
        Located(posixpath.normpath(f"{below}/{found[o.value]}"), o.place) for o in own if o.value in found
    )
    opened |= {o.value: o.value for o in kept}
    return replace(main, opens=kept, opens_beside=True)


def _with_unbuilt(root: Path, base: Path, package: GoPackage, opened: dict[str, str]) -> GoPackage:
    gone = unbuilt_folders(root, base, [o for o in package.opens if o.value not in opened])
    return replace(package, unbuilt=(*package.unbuilt, *gone)) if gone else package


def _only_opened(package: GoPackage, opened: dict[str, str]) -> GoPackage:
    kept = tuple(Located(opened[o.value], o.place) for o in package.opens if o.value in opened)
    return package if kept == package.opens else replace(package, opens=kept)
