"""A built image as facts: readiness and size decide on them. Read without starting anything."""

from __future__ import annotations

from msgspec import Struct, field


class Binary(Struct, frozen=True):
    """The file that the entrypoint names. `interpreter`: the ELF's PT_INTERP ("" = static), for a script the words after its
    `#!`; `machine`: ELF machine as GOARCH."""

    path: str
    size_bytes: int
    mode: int
    elf: bool
    interpreter: str = ""
    machine: str = ""

    @property
    def static(self) -> bool:
        return self.elf and not self.interpreter


class Layer(Struct, frozen=True):
    """One layer with content; `created_by` as stored by the engine, `size_bytes` of its files, uncompressed."""

    created_by: str
    size_bytes: int


class ImageFacts(Struct, frozen=True):
    """`size_bytes` is the sum of what the layers contain, uncompressed: the same on every image store."""

    ref: str
    id: str
    size_bytes: int
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    user: str
    workdir: str
    architecture: str
    env: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    exposed: tuple[int, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    binary: Binary | None = None
    behind: Binary | None = None
    """The program that `binary` starts, if that is a script."""
    files: frozenset[str] = frozenset()
    """Absolute paths in the image (files and folders); empty if not requested."""
    history: tuple[str, ...] = ()
    """Every line of the history, including those without a layer (ENV, USER, …), newest first."""

    @property
    def program(self) -> Binary | None:
        """What was compiled: the size of a script says nothing."""
        return self.behind or self.binary

    @property
    def shell_form(self) -> bool:
        return (self.entrypoint or self.cmd)[:2] == ("/bin/sh", "-c")
