"""Files that a production container is given as they are, and may not be able to read there."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.compose.handed_files import may_read, mounted
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import ProjectError
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.project.find import named
from devctl.workflows.session.session import Session


def refuse_unreadable(box: Toolbox, session: Session) -> None:
    """Raise ProjectError `secret-not-readable` before anything is switched: in dev the container runs as the owner of the files."""
    root = session.root
    for run in session.runs:
        spec = session.model["services"][run.service]
        for kind, key, path in mounted(spec, session.model) if run.mode == "prod" else ():
            facts = box.files.permissions(Path(path))
            user = str(spec.get("user") or "")
            groups = spec.get("group_add") or ()
            if facts is None or may_read(user, groups=groups, mode=facts[0], owner=facts[1:]):
                continue
            mode, uid, gid = facts
            what, where = f"{kind.removesuffix('s')} {key}", named(root, Path(path))
            raise ProjectError(
                f"{run.service} cannot read {what}: {where} has mode {mode:04o} and belongs to {uid}:{gid}, "
                f"and production runs as {user}",
                code="secret-not-readable",
                hint=f"`services: {{{run.service}: {{group_add: ['{gid}']}}}}` in the compose file and `chmod 0640 {where}` let it "
                f"read the file; or `user: '{uid}:{gid}'` there lets it run as the owner",
                place=compose_place(box, root)((kind, key, "file")),
            )
