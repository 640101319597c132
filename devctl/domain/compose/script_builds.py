"""Images that a script or a Makefile in the repository builds: `docker build -t shop .`, which a compose file runs by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from devctl.domain.bases.references import parse
from devctl.domain.command.argv import simple_commands
from devctl.domain.dockerfile.stages import filled
from devctl.domain.project.compose_model import Spec
from devctl.domain.regex import regex

_SET = regex(r"^[ \t]*(?:export[ \t]+)?(\w+)=[\"']?([^\s\"'$`;&|]{1,256})[\"']?[ \t]*$", re.MULTILINE)
_USED = regex(r"\$\{(\w+)(?::-([^}\n]{0,256}))?\}|\$(\w+)")
_QUOTED_OR_COMMENT = regex(r"\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:^|(?<=[\s;&|(]))#[^\n]*", re.DOTALL)
_TAG = regex(r":[^/:@]*$")
_HEREDOC = regex(r"(?<!<)<<-?[ \t]*[\"']?([A-Za-z_]\w*)")
_ASSIGNMENT = regex(r"\w+=")
_BEFORE = frozenset({"sudo", "exec", "time", "env", "command", "!", "{", "if", "then", "else", "do"})
_COMPUTED = regex(r"\$\([^()]*\)|`[^`\n]*`")
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


def is_image(wanted: str, built: str) -> bool:
    """Whether a service that runs `wanted` runs this image; tags count only if both have one, since a script usually computes
    it."""
    tags = {found[0] for image in (wanted, built) if (found := _TAG.search(image)) is not None}
    return parse(wanted).repository == parse(built).repository and len(tags) < 2


def runs_by_name(spec: Spec) -> str | None:
    """The image of a service that nothing says how to build."""
    image = spec.get("image")
    return image if isinstance(image, str) and not spec.get("build") else None


def builds_in(script: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The image, with its tag if it is literal, and the `build` of each `docker build` whose words are all known: `context`
    and `dockerfile` as written, relative to the folder that it is called in."""
    values = dict(_SET.findall(script))

    def known(found: re.Match[str]) -> str:
        usual = found[0] if found[2] is None else found[2]
        return str(values.get(found[1] or found[3]) or usual)

    for command in simple_commands(_COMPUTED.sub("$?", _without_comments(script))):
        words = [filled(_USED, known, word) for word in _words_of_build(command)]
        said = _said(words)
        image = str(said.pop("tag", ""))
        tag = _TAG.search(image)
        # computed; make knows no value of a variable that the caller sets
        if tag is not None and (
            tag[0] == ":" or "$" in tag[0] or not any(w.endswith(tag[0]) for w in command)
        ):
            image = image[: tag.start()]
        if image and "context" in said and not any("$" in str(word) for word in (image, *said.values())):
            yield image, said


def _without_comments(script: str) -> str:
    """What a shell runs of it, without what it passes as input to others (`cat <<EOF`)."""
    lines, end = list[str](), ""
    for line in script.split("\n"):
        if end:
            end = "" if line.strip() == end else end
            continue
        lines.append(line)
        found = None if line.lstrip().startswith("#") else _HEREDOC.search(line)
        end = found[1] if found is not None else ""
    return _QUOTED_OR_COMMENT.sub(lambda found: "" if found[0][0] == "#" else found[0], "\n".join(lines))


def _words_of_build(command: tuple[str, ...]) -> tuple[str, ...]:
    """Those after `docker build`, up to a redirection; none for another command."""
    first = next((n for n, w in enumerate(command) if w not in _BEFORE and not _ASSIGNMENT.match(w)), 0)
    name, *rest = command[first:]
    rest = rest[1:] if rest[:1] in (["buildx"], ["image"]) else rest
    if name != "docker" or rest[:1] != ["build"]:
        return ()
    end = next((n for n, word in enumerate(rest) if set(word) <= set("<>&")), len(rest))
    end -= end < len(rest) and rest[end - 1] in ("1", "2")  # `2> FILE`
    return tuple(rest[1:end])


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
