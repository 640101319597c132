"""Shipped templates: inside the package if it was installed from a wheel, beside it in a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import devctl
from devctl.adapters.system.border import bordered


@bordered()
class ShippedTemplates:
    """`Templates` on disk. An editable install leaves the files in the repository, so both locations are tried."""

    def __init__(self) -> None:
        package = Path(devctl.__file__).resolve().parent
        places = (package / "_templates", package.parent / "templates")
        self._root = next(p for p in places if p.is_dir())

    def read(self, name: str) -> str:
        return (self._root / name).read_text(encoding="utf-8")

    def tree(self, name: str) -> Mapping[str, str]:
        folder = self._root / name
        found = sorted(p for p in folder.rglob("*") if p.is_file())
        return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in found}
