"""The name of a compose project if nobody gives it one."""

from __future__ import annotations

import re

FALLBACK = "app"


def name_from(folder: str) -> str:
    """What compose makes of a folder's name; "" if it contains no letter or digit that compose accepts. Compose then refuses
    the project: https://docs.docker.com/compose/how-tos/project-name/"""
    return re.sub(r"[^a-z0-9_-]", "", folder.lower()).lstrip("_-")


def name_origin(name: str, folder: str) -> str:
    """Where the name of a project whose files do not name it comes from, for `config show`."""
    derived = name_from(folder)
    if name != (derived or FALLBACK):
        return "COMPOSE_PROJECT_NAME"
    if not derived:
        return "default: the folder's name contains no letter a-z and no digit"
    return (
        "the folder's name"
        if name == folder
        else "the folder's name, without characters that compose rejects"
    )
