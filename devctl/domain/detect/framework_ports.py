"""Libraries that are a whole server with a command line of their own: the program that uses one shows no listen call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from devctl.domain.detect.main_package import Main
from devctl.domain.detect.port_and_probe import Port


@dataclass(frozen=True, slots=True)
class _Library:
    """`module`, imported as it stands; it serves with `word`, on `port` of the loopback unless `flag` says where."""

    module: str
    word: str
    flag: str
    port: int


_LIBRARIES = (_Library("github.com/pocketbase/pocketbase", "serve", "--http", 8090),)


def library_port(main: Main, port: Port | None, args: Sequence[str]) -> Port | None:
    """`port` with what the library must be told, where one serves; `args` are what the program is started with already."""
    for library in _LIBRARIES:
        package = next((p for p in main.closure if library.module in p.imports), None)
        if package is None or list(args[:1]) not in ([], [library.word]):
            continue
        known = port or Port(library.port, f"{package.dir} ({library.module})")
        # `serve example.com` is served by https under that name.
        told = any(word.startswith(library.flag) or not word.startswith("-") for word in args[1:])
        address = () if told else (f"{library.flag}=0.0.0.0:{known.port}",)
        return replace(known, args=(*known.args, *(() if args else (library.word,)), *address))
    return port
