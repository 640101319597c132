"""Which packages a save affects: `go list -deps -test` knows build tags, workspaces, `replace` and embedded files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct, field

from devctl.domain.paths import is_below

LISTED = "ImportPath,Dir,ForTest,DepOnly,Deps,EmbedFiles,TestEmbedFiles,XTestEmbedFiles"
MANIFESTS = ("go.mod", "go.sum", "go.work", "go.work.sum")


class _Package(Struct, rename="pascal"):
    import_path: str = ""
    dir: str = ""
    for_test: str = ""
    dep_only: bool = False
    deps: list[str] | None = None
    embed_files: list[str] | None = None
    test_embed_files: list[str] | None = None
    x_test_embed_files: list[str] = field(default_factory=list)


class PackageGraph(Struct, frozen=True):
    """`folders`: of the project's packages, by import path; `tested`: the requested ones, each with everything that it and its
    tests consist of; `embedded`: files, with the packages that embed them. Paths are relative to the project."""

    folders: dict[str, str] = field(default_factory=dict)
    tested: dict[str, frozenset[str]] = field(default_factory=dict)
    embedded: dict[str, frozenset[str]] = field(default_factory=dict)

    def affected(self, changed: Iterable[str]) -> frozenset[str] | None:
        """The packages to test after these files changed, according to the previous imports: a new import begins in a file
        that itself changed. None for all: for a manifest, and for a file that no package claims, since it is unknown what
        opens it, and Go's own cache knows which tests have read it."""
        by_folder: dict[str, set[str]] = {}
        for path, folder in self.folders.items():
            by_folder.setdefault(folder, set()).add(path)
        touched: set[str] = set()
        for file in changed:
            if posixpath.basename(file) in MANIFESTS:
                return None
            mine = self._owners(file, by_folder)
            if not mine:
                return None
            touched |= mine
        return frozenset(
            path for path, made_of in self.tested.items() if path in touched or made_of & touched
        )

    def _owners(self, file: str, by_folder: Mapping[str, set[str]]) -> frozenset[str]:
        """A file below `testdata` belongs to the package above it."""
        folder = posixpath.dirname(file) or "."
        above, found, _ = f"/{folder}/".partition("/testdata/")
        folder = (above.strip("/") or ".") if found else folder
        return frozenset(by_folder.get(folder, ())) | self.embedded.get(file, frozenset())


def read_graph(text: str, *, mounted_at: str) -> PackageGraph | None:
    """From the answer of `go list -e -deps -test -json=LISTED`; None if it is not one."""
    folders: dict[str, str] = {}
    tested: dict[str, set[str]] = {}
    embedded: dict[str, set[str]] = {}
    try:
        packages = _packages(text)
    except (ValueError, msgspec.ValidationError):
        return None
    for package in packages:
        path = _plain(package.import_path)
        inside = is_below(package.dir, mounted_at)
        folder = posixpath.relpath(package.dir, mounted_at) if inside else ""
        if inside and not package.for_test and not path.endswith(".test"):
            folders[path] = folder
            names = (package.embed_files, package.test_embed_files, package.x_test_embed_files)
            for name in (name for listed in names for name in listed or ()):
                file = posixpath.normpath(posixpath.join(folder, name))
                embedded.setdefault(file, set()).add(path)
        if package.dep_only and not path.endswith(".test"):
            continue
        of = path.removesuffix(".test") if path.endswith(".test") else package.for_test or path
        of = of.removesuffix("_test") if of.endswith("_test") and of not in folders else of
        made_of = tested.setdefault(of, set())
        made_of.add(of)
        made_of |= {_plain(name) for name in package.deps or ()}
    kept = {path: frozenset(made_of) for path, made_of in tested.items() if path in folders}
    return PackageGraph(folders, kept, {file: frozenset(paths) for file, paths in embedded.items()})


def _plain(path: str) -> str:
    """`shop/cart [shop/cart.test]` is shop/cart, compiled again with its tests."""
    return path.partition(" [")[0]


def _packages(text: str) -> list[_Package]:
    import json

    decoder, at, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while at < len(text):
        raw, at = decoder.raw_decode(text, at)
        found.append(msgspec.convert(raw, _Package))
        while at < len(text) and text[at].isspace():
            at += 1
    return found
