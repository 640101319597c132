"""The `build` of services that only name an image which a script or the Makefile of this repository builds."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from devctl.domain.compose.script_builds import builds_in, is_image, runs_by_name
from devctl.domain.derive.build_tools import recipes
from devctl.domain.ports.files import Files
from devctl.domain.project.compose_model import OwnSpec
from devctl.domain.regex import regex
from devctl.errors import FilesError

_MAKEFILES = frozenset({"GNUmakefile", "makefile", "Makefile"})
_LONG = 65_536
"""Characters of a script; a longer one was not written by hand."""
_TARGET = regex(r"^([\w.-]+)[ \t]*:(?!=)", re.MULTILINE)


def lend_script_builds(files: Files, root: Path, specs: Mapping[str, OwnSpec]) -> None:
    """Written in place, as the script says it: only a context and a Dockerfile inside the project count."""
    wanted = {name: image for name, spec in specs.items() if (image := runs_by_name(spec))}
    if not wanted:
        return
    for script in _scripts(files, root):
        for image, said in builds_in(script):
            context = root / said["context"]
            dockerfile = root / said["dockerfile"] if "dockerfile" in said else context / "Dockerfile"
            inside = all(Path(posixpath.normpath(p)).is_relative_to(root) for p in (context, dockerfile))
            if not inside or not files.exists(dockerfile):
                continue
            beside = posixpath.relpath(dockerfile, context)
            build = {**said, "context": posixpath.normpath(context), "dockerfile": beside}
            for name in [n for n, of in wanted.items() if is_image(of, image)]:
                specs[name]["build"] = dict(build)
                del wanted[name]


def _scripts(files: Files, root: Path) -> Iterator[str]:
    for name in files.names(root):
        if name in _MAKEFILES or name.endswith(".sh"):
            try:
                text = files.read_text(root / name, within=root) or ""
            except FilesError:  # nothing names it
                continue
            if "docker" not in text or len(text) > _LONG:
                continue
            yield recipes(text, _TARGET.findall(text)) if name in _MAKEFILES else text
