"""What `doctor --fix` does to a project's folder, once somebody agreed: owners, line endings, git's trust."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from devctl.adapters.machine_tree import walk
from devctl.domain.check_facts import TreeFacts
from devctl.domain.failures import explain
from devctl.domain.module_gaps import ModuleGap
from devctl.domain.ports import Finished, Processes
from devctl.errors import MachineError

LIMIT = 1_000_000
TAIL = 10
GO_WITHIN = 300.0
GO_SETTINGS = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB")


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


def set_x_bits(tree: TreeFacts) -> str:
    """For whom it may be read: 0644 becomes 0755, 0600 becomes 0700."""
    for name in tree.locked_scripts:
        path = Path(tree.root, name)
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o444) >> 2)
    return f"chmod +x {', '.join(tree.locked_scripts)}"


def complete_modules(tree: TreeFacts, gaps: Sequence[ModuleGap], processes: Processes, *, image: str) -> str:
    uid, gid = tree.owner
    did: list[str] = []
    for gap in gaps:
        argv = ["docker", "run", "--rm", "--init", "--pull=never", f"--user={uid}:{gid}"]
        argv += [
            f"--env={name}" for name in GO_SETTINGS
        ]  # as this shell has them; one that is not set stays so
        argv += [
            "--env=HOME=/tmp",
            "--env=GOPATH=/tmp/go",
            "--env=GOCACHE=/tmp/cache",
            "--env=GOFLAGS=",
        ]
        argv += ["--mount", f"type=bind,source={tree.root},target=/devctl", f"--workdir=/devctl/{gap.dir}"]
        done = processes.run([*argv, image, *gap.command], timeout=GO_WITHIN)
        if done.code != 0:
            raise _not_completed(gap, done)
        did.append(f"{' '.join(gap.command)}, since {gap.text}")
    return "; ".join(did)


def _not_completed(gap: ModuleGap, done: Finished) -> MachineError:
    known = explain("build", done.output)
    return MachineError(
        f"`{' '.join(gap.command)}` failed in a container: {known.message if known else gap.text}",
        code="not-mended",
        hint=known.hint if known else f"{' '.join(gap.command)} shows why",
        detail="\n".join(done.output.strip().splitlines()[-TAIL:]),
    )


def own_cache(volume: str, processes: Processes, *, owner: tuple[int, int], image: str) -> str:
    argv = ["docker", "run", "--rm", "--network=none", "--pull=never", "--user=0:0", "--entrypoint=chown"]
    argv += ["--mount", f"type=volume,source={volume},target=/cache", image]
    done = processes.run([*argv, "-hR", f"{owner[0]}:{owner[1]}", "/cache"], timeout=GO_WITHIN)
    if done.code != 0:
        raise MachineError(
            f"the owner of the build cache {volume} could not be changed",
            code="not-mended",
            hint=f"docker volume rm {volume}",
            detail=done.output.strip(),
        )
    return f"gave the build cache {volume} to {owner[0]}:{owner[1]}"


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
