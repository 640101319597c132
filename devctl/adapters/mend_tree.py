"""What `doctor --fix` does to a project's folder, once somebody agreed: owners, line endings, git's trust."""

from __future__ import annotations

import os
from pathlib import Path

from devctl.adapters.machine_tree import walk
from devctl.domain.check_facts import TreeFacts
from devctl.domain.ports import Processes
from devctl.errors import MachineError

LIMIT = 1_000_000


def set_owner(tree: TreeFacts, processes: Processes, *, image: str, root: bool) -> str:
    """Links are changed, never followed. A user who is not root, but may use the engine, has a container do it."""
    uid, gid = tree.owner
    if root:
        for entry in walk(Path(tree.root), limit=LIMIT):
            if entry.stat(follow_symlinks=False).st_uid != uid:
                os.chown(entry.path, uid, gid, follow_symlinks=False)
    else:
        argv = ["docker", "run", "--rm", "--network=none", "--user=0:0", "--entrypoint=chown"]
        mount = ["--mount", f"type=bind,source={tree.root},target=/devctl"]
        done = processes.run([*argv, *mount, image, "-hR", f"{uid}:{gid}", "/devctl"], timeout=60)
        if not image or done.code != 0:
            raise MachineError(
                "the owner of files could not be changed",
                code="not-mended",
                hint=f"sudo chown -R {uid}:{gid} {tree.root}",
                detail=done.output.strip(),
            )
    return f"gave {tree.foreign_count} files to {uid}:{gid}"


def set_line_endings(tree: TreeFacts) -> str:
    for name in tree.crlf_scripts:
        path = Path(tree.root, name)
        facts = path.stat()
        made = path.with_name(f".{path.name}.devctl")
        made.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
        made.chmod(facts.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(made, facts.st_uid, facts.st_gid)
        made.replace(path)
    return f"LF line endings in {', '.join(tree.crlf_scripts)}"


def trust_folder(tree: TreeFacts, processes: Processes) -> str:
    done = processes.run(["git", "config", "--global", "--add", "safe.directory", tree.root], timeout=10)
    if done.code != 0:
        raise MachineError(
            "git did not take the folder into its list",
            code="not-mended",
            hint=f"git config --global --add safe.directory {tree.root}",
            detail=done.output.strip(),
        )
    return f"git trusts {tree.root}"
