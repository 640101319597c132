"""Checks of the project's folder and ports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from devctl.domain.command.argv import shell_path
from devctl.domain.doctor.check import Fix, check
from devctl.domain.doctor.facts import MachineFacts
from devctl.domain.doctor.fixer import Fixer
from devctl.errors import Finding, fail, ok, warn

NAMED = 3
NATIVE_HINT = "move the project to a disk of the engine's machine (WSL: below /home, not /mnt/c)"


@check(
    "ports",
    "the host ports that the project publishes",
    why="`up` cannot start a service whose port is in use",
)
def ports(facts: MachineFacts) -> Finding | None:
    if facts.ports is None:
        return None
    taken = [p for p in facts.ports if p.holder]
    hard = [p for p in taken if p.fixed]
    if hard:
        said = "; ".join(f"port {p.port} is in use by {p.holder}, but {p.service} needs it" for p in hard)
        return fail(said, hard[0].remedy)
    if taken:
        return ok(
            "; ".join(f"port {p.port} is in use by {p.holder}: {p.service} gets another one" for p in taken)
        )
    named = ", ".join(str(p.port) for p in facts.ports)
    return ok(
        f"the project's ports are free or already in use by it: {named}"
        if named
        else "the project publishes no ports"
    )


OWNER = Fix(
    "owner",
    lambda by: by.installer.set_owner(by.tree(), image=by.any_image()),
    asks="Change the owner of other users' files in this project to the owner of its folder?",
    in_project=True,
)


@check(
    "ownership",
    "who owns the project's files",
    why="the dev container runs as the folder's owner and cannot change other users' files",
)
def ownership(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None:
        return None
    uid, gid = tree.owner
    if uid == 0 or not tree.foreign_count:  # root's containers can write everywhere
        return ok(f"the project's files belong to its owner ({uid}:{gid})")
    what = f"{tree.foreign_count} files of the project do not belong to its owner ({uid}:{gid}): {_few(tree.foreign)}"
    return OWNER.offer("warn", what, f"sudo chown -hR {uid}:{gid} {shlex.quote(tree.root)}")


@check(
    "mount",
    "the owner of files that containers create in the project",
    why="you cannot edit or remove another user's file",
)
def mount(facts: MachineFacts) -> Finding | None:
    inside, tree = facts.inside, facts.tree
    if inside is None or tree is None:
        return None
    if inside.error:
        hint = f"share {tree.root} with the engine (Docker Desktop: Settings, Resources, File sharing)"
        return fail(f"a container with the project's folder mounted does not start: {inside.error}", hint)
    if inside.made_by is None:
        return warn("a container cannot write into the project's folder", f"ls -ld {tree.root}")
    if inside.made_by != tree.owner:
        what = f"files that containers create belong to {_pair(inside.made_by)}, not to {_pair(tree.owner)}"
        return warn(what, f"docker context use default; afterwards: sudo chown -R {_pair(tree.owner)} .")
    return ok(f"files that containers create in the project belong to {_pair(tree.owner)}")


def _own_cache(by: Fixer) -> str:
    cache = by.facts.inside.cache if by.facts.inside is not None else ""
    return by.installer.own_cache(cache, owner=by.owner, image=by.go_image())


CACHE = Fix("cache", _own_cache, in_project=True)


@check(
    "cache",
    "the volume with compiled packages",
    why="Go cannot compile without a writable cache",
)
def cache(facts: MachineFacts) -> Finding | None:
    inside = facts.inside
    if inside is None or inside.cache_denied is None:
        return None
    if not inside.cache_denied:
        return ok("the project's owner can write to the build cache")
    what = f"the project's owner cannot write to {inside.cache_denied} in the build cache {inside.cache}"
    return CACHE.offer("fail", what, f"devctl down && docker volume rm {inside.cache}")


@check("file-events", "whether containers receive file events", why="hot reload depends on them")
def file_events(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None:
        return None
    if tree.events_arrive is not None:
        if tree.events_arrive:
            return ok("the dev container received the event of a file saved here")
        return warn(
            "the dev container did not receive the event of a file saved here: devctl polls", NATIVE_HINT
        )
    if tree.eventless:
        return warn(f"{tree.kind} does not pass on file events: devctl polls", NATIVE_HINT)
    if facts.info is not None and facts.info.local:
        return ok(f"containers share this machine's kernel and its file events ({tree.kind})")
    return None


@check(
    "file-system",
    "the project's file system",
    why="a slow one slows down every build, a case-insensitive one hides errors",
)
def file_system(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None:
        return None
    if tree.eventless:
        return warn(f"the project is on {tree.kind}: every file access takes a round trip", NATIVE_HINT)
    if tree.case_insensitive:
        what = (
            "the project's file system ignores case: Go.mod is go.mod here, but not in the container or in CI"
        )
        hint = (
            "write imports and embedded paths exactly as the files are named; devctl prod-preview builds on a "
            "case-sensitive file system"
        )
        return warn(what, hint)
    return ok(f"the project is on {tree.kind or 'a local disk'}, which is case-sensitive")


def _trust(root: str) -> list[str]:
    return ["git", "config", "--global", "--add", "safe.directory", root]


def _trust_folder(by: Fixer) -> str:
    root = by.tree().root
    by.installer.run(_trust(root), failed="git did not add the folder to safe.directory")
    return f"git trusts {root}"


GIT = Fix("git", _trust_folder, asks="Tell git to trust this folder (git config --global safe.directory)?")


@check(
    "git",
    "whether git trusts the folder",
    why="go build runs git to stamp the version, and fails with status 128",
)
def git(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None or tree.git_distrusts is None:
        return None
    if tree.git_distrusts:
        what = "git refuses this folder (dubious ownership): another user owns it"
        return GIT.offer("warn", what, shlex.join(_trust(tree.root)))
    return ok("git trusts this folder")


def _set_line_endings(by: Fixer) -> str:
    tree = by.tree()
    by.installer.rewrite(tree.root, tree.crlf_scripts, lambda data: data.replace(b"\r\n", b"\n"))
    return f"LF line endings in {', '.join(tree.crlf_scripts)}" if tree.crlf_scripts else ""


LINE_ENDINGS = Fix(
    "scripts",
    _set_line_endings,
    asks="Convert the scripts that images run to LF line endings?",
    in_project=True,
)


@check(
    "scripts",
    "line endings of scripts named in Dockerfiles and compose files",
    why="the kernel looks for an interpreter called `sh\\r` and fails",
)
def scripts(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None:
        return None
    if not tree.crlf_scripts:
        return ok("the scripts that images run have LF line endings")
    by_hand = f"sed -i 's/\\r$//' {' '.join(map(shlex.quote, tree.crlf_scripts))}"
    what = f"CRLF line endings in scripts that images run: {_few(tree.crlf_scripts)}"
    return LINE_ENDINGS.offer(
        "fail", what, f"{by_hand}; `*.sh text eol=lf` in .gitattributes keeps it that way"
    )


def _set_x_bits(by: Fixer) -> str:
    """For those who may read it: 0644 becomes 0755, 0600 becomes 0700."""
    tree = by.tree()
    by.installer.change_modes(tree.root, tree.locked_scripts, lambda mode: mode | (mode & 0o444) >> 2)
    return f"chmod +x {', '.join(tree.locked_scripts)}" if tree.locked_scripts else ""


X_BITS = Fix(
    "x-bits", _set_x_bits, asks="Make the scripts that images run executable (chmod +x)?", in_project=True
)


@check(
    "x-bits",
    "whether scripts that images start are executable",
    why="the container exits with code 126, permission denied",
)
def x_bits(facts: MachineFacts) -> Finding | None:
    tree = facts.tree
    if tree is None:
        return None
    if not tree.locked_scripts:
        return ok("the scripts that images start are executable")
    by_hand = f"chmod +x {' '.join(map(shlex.quote, tree.locked_scripts))}"
    what = f"images start these scripts, but they are not executable: {_few(tree.locked_scripts)}"
    return X_BITS.offer("warn", what, f"{by_hand}; `git update-index --chmod=+x` keeps it that way")


EXTERNALS = Fix(
    "externals",
    asks="Create the external networks and volumes that the compose file declares external (a new volume is empty)?",
    in_project=True,
)


@check(
    "externals",
    "the external networks and volumes of the compose file",
    why="compose does not create them, and starts nothing without them",
)
def externals(facts: MachineFacts) -> Finding | None:
    if facts.externals is None:
        return None
    if not facts.externals:
        return ok("the external networks and volumes of the compose file exist")
    what = f"the compose file declares these external, but they do not exist: {_few(facts.externals)}"
    kind, _, name = facts.externals[0].partition(" ")
    return EXTERNALS.offer("fail", what, f"docker {kind} create {name}")


MODULES = Fix(
    "modules",
    lambda by: by.installer.complete_modules(by.tree(), by.gaps(), image=by.go_image()),
    asks="Complete go.mod, go.sum or vendor/ with the go command in a container?",
    in_project=True,
)


@check(
    "modules",
    "whether go.mod, go.sum, vendor/ and the imports agree",
    why="Go refuses to build until they do, and builds for dev and production never change them",
)
def modules(facts: MachineFacts) -> Finding | None:
    if facts.gaps is None:
        return None
    if not facts.gaps:
        return ok("go.mod, go.sum and the imports agree")
    first = facts.gaps[0]
    by_hand = f"{f'cd {shell_path(first.dir)} && ' if first.dir != '.' else ''}{' '.join(first.command)}"
    return MODULES.offer("warn", first.text, by_hand)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _pair(ids: tuple[int, int]) -> str:
    return f"{ids[0]}:{ids[1]}"
