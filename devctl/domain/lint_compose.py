"""Rules about a service's part of the compose file, in the form that compose resolves it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from devctl.domain.lint_code import Case

Place = Callable[[tuple[str | int, ...]], str]


def args_target(compose: Mapping[str, object], place: Place) -> Iterator[Case]:
    build = compose.get("build")
    args = build.get("args") if isinstance(build, dict) else None
    if isinstance(args, list):
        pairs = [(index, *str(item).partition("=")[::2]) for index, item in enumerate(args)]
    else:
        pairs = [(key, str(key), str(value)) for key, value in (args or {}).items()]
    for key, name, value in pairs:
        if name.strip() == "target":
            message = f"`args: target={value}` chooses nothing: the stage is chosen by `build.target`"
            yield place(("build", "args", key)), message, f"build: {{target: {value}}}", None


def backslash(compose: Mapping[str, object], place: Place) -> Iterator[Case]:
    """`.\\data:/data`. A path that has no slash at all is one of Windows."""
    volumes = compose.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else []):
        source = str(volume.get("source", "")) if isinstance(volume, dict) else ""
        if "/" in source and "\\" in source:
            name = source.rpartition("/")[2]
            message = (
                f"the source {name} of a volume has a backslash: here that is a folder of this very name"
            )
            plain = name.replace("\\", "/")
            yield place(("volumes", index)), message, f"{plain}:{volume['target']}", None
