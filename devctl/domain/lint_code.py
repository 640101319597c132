"""Rules about the Go code itself: addresses that nobody outside reaches, packages that are not there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from devctl.domain.address import parse_address
from devctl.domain.gofacts import Unbuilt
from devctl.domain.mains import Main
from devctl.domain.serving import opening, opens_up

Case = tuple[str, str, str, str | None]


def binds_localhost(main: Main | None) -> Iterator[Case]:
    for package in main.closure if main is not None else ():
        for item in package.listens:
            address = parse_address(item.value)
            if address is None or not address.only_inside or main is None:
                continue
            message = f"listens on {item.value}: inside of a container nothing from outside reaches it"
            setting = opens_up(main, address.port)
            if setting is None:
                yield item.place, message, f'listen on ":{address.port}"', None
            else:
                hint = f"nothing must be done, devctl gives it {opening(setting)}; where you run it, give it that too"
                yield setting.place, message, hint, None


def package_missing(main: Main | None, modules: Iterable[str]) -> Iterator[Case]:
    """Imports of the module's own packages that have no folder: generated, and not committed."""
    if main is None:
        return
    module = main.module
    there = {posixpath.normpath(posixpath.relpath(p.dir, module.dir)) for p in module.packages}
    others = [path for path in (*modules, *module.requires) if path != module.path]
    for package in main.closure:
        for path in package.imports:
            below = path.removeprefix(f"{module.path}/")
            if below == path or below in there or any(_within(path, other) for other in others):
                continue
            place = posixpath.normpath(posixpath.join(module.dir, below))
            message = f"{package.dir} imports {path}, and there is no Go code in {place}: generated code that is not committed?"
            yield (
                package.dir,
                message,
                "go generate ./... (or what the README names for it: templ, sqlc, protoc), then save",
                None,
            )


def generated_missing(main: Main | None) -> Iterator[Case]:
    """Files beside the code that is built, without the Go code that a generator makes of them."""
    for package in main.closure if main is not None else ():
        for source, missing, command in package.ungenerated:
            place = posixpath.normpath(posixpath.join(package.dir, source))
            message = f"{missing}, which is generated from {source}, is not there: generated code that is not committed?"
            yield place, message, f"{command}, then save", None


def frontend_missing(main: Main | None) -> Iterator[Case]:
    """What is embedded or served of a frontend that is not built."""
    for package in main.closure if main is not None else ():
        for item in {(i.command, i.embedded): i for i in reversed(package.unbuilt)}.values():
            message = f"{item.path} is served, and is not there: the frontend is not built, and its pages are not found"
            if item.embedded:
                message = f"go:embed finds no file {item.pattern}, so nothing compiles: a build makes it, and it is not committed"
            yield item.place, message, build_hint(item), None


def build_hint(item: Unbuilt) -> str:
    return (
        item.command or "build what belongs there (npm run build, make, go generate: the README says which)"
    )


def _within(path: str, module: str) -> bool:
    return path == module or path.startswith(f"{module}/")
