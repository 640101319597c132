"""The name that a compose project has where nobody gives it one."""

from __future__ import annotations

import re

FALLBACK = "app"


def name_from(folder: str) -> str:
    """What compose makes of a folder's name; "" where it holds no letter and no digit that compose takes. Compose then refuses
    the project: https://docs.docker.com/compose/how-tos/project-name/"""
    return re.sub(r"[^a-z0-9_-]", "", folder.lower()).lstrip("_-")


def name_origin(name: str, folder: str) -> str:
    """Why a project is called so whose files do not say it, for `config show`."""
    derived = name_from(folder)
    if name != (derived or FALLBACK):
        return "COMPOSE_PROJECT_NAME"
    if not derived:
        return "default: the folder's name holds no letter a to z and no digit"
    return "the folder's name" if name == folder else "the folder's name, as far as compose accepts it"
