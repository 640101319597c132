"""Images that a script or a Makefile of the repository builds: `docker build -t shop .`, which a compose file runs by its name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from devctl.domain.bases.references import parse
from devctl.domain.project.compose_model import Spec

_COMMAND = re.compile(r"\bdocker\s+(?:buildx\s+|image\s+)?build\s+((?:\\\n|[^\n;&|])+)")
_SET = re.compile(r"^\s*(?:export\s+)?(\w+)=[\"']?([^\s\"'$`;&|]+)[\"']?\s*$", re.MULTILINE)
_USED = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)")
_COMPUTED = re.compile(r"\$\([^()]*\)|`[^`\n]*`")
_KEYS = {
    "-t": "tag",
    "--tag": "tag",
    "-f": "dockerfile",
    "--file": "dockerfile",
    "--target": "target",
    "--build-arg": "args",
}
_ALONE = frozenset(
    {"--no-cache", "--pull", "--push", "--load", "--rm", "--force-rm", "-q", "--quiet", "--squash"}
)


def repository(image: str) -> str:
    """An image without its tag, which a script computes more often than not."""
    return parse(image).repository


def runs_by_name(spec: Spec) -> str | None:
    """The image of a service that nothing says how to build."""
    image = spec.get("image")
    return image if isinstance(image, str) and not spec.get("build") else None


def builds_in(script: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The image, without its tag, and the `build` of each `docker build` whose words are all known: `context` and `dockerfile` as
    they stand there, from the folder that it is called in."""
    values = dict(_SET.findall(script))

    def known(found: re.Match[str]) -> str:
        return str(values.get(found[1] or found[3]) or found[2] or found[0])

    text = _USED.sub(known, _COMPUTED.sub("$?", script))
    for found in _COMMAND.finditer(text):
        try:
            words = shlex.split(found[1].replace("\\\n", " "), comments=True)
        except ValueError:
            continue
        said = _said(words)
        image = re.sub(r":[^/:]*$", "", said.pop("tag", ""))
        if image and "context" in said and not any("$" in str(word) for word in (image, *said.values())):
            yield image, said


def _said(words: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            said["context"] = word
        elif word not in _ALONE:
            value = value if equals else next(rest, "")
            key = _KEYS.get(name)
            if key == "args" and "=" in value and "$" not in value:
                argument, _, text = value.partition("=")
                said.setdefault("args", {})[argument] = text
            elif key is not None and key != "args":
                said.setdefault(key, value)
    return said
