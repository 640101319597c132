"""Checks of the project's folder and ports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from devctl.domain.check_facts import MachineFacts
from devctl.domain.verdicts import CONSENT_HINT, FIX_HINT, Check, Verdict, ok

NAMED = 3


def ports(facts: MachineFacts) -> Verdict | None:
    if facts.ports is None:
        return None
    taken = [p for p in facts.ports if p.holder]
    hard = [p for p in taken if p.fixed]
    if hard:
        said = "; ".join(f"port {p.port} is held by {p.holder}, and {p.service} needs it" for p in hard)
        return Verdict("fail", said, hard[0].remedy)
    if taken:
        return ok("; ".join(f"port {p.port} is held by {p.holder}: {p.service} gets another" for p in taken))
    named = ", ".join(str(p.port) for p in facts.ports)
    return ok(f"the project's ports are free or its own: {named}" if named else "the project has no port")


def ownership(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None:
        return None
    uid, gid = tree.owner
    if uid == 0 or not tree.foreign_count:  # root's containers write everywhere
        return ok(f"the project's files belong to its owner ({uid}:{gid})")
    what = (
        f"{tree.foreign_count} files of the project are not its owner's ({uid}:{gid}): {_few(tree.foreign)}"
    )
    return Verdict(
        "warn", what, f"{CONSENT_HINT}, or: sudo chown -R {uid}:{gid} {shlex.quote(tree.root)}", "owner"
    )


def mount(facts: MachineFacts) -> Verdict | None:
    inside, tree = facts.inside, facts.tree
    if inside is None or tree is None:
        return None
    if inside.error:
        hint = f"share {tree.root} with the engine (Docker Desktop: Settings, Resources, File sharing)"
        return Verdict("fail", f"a container with the project's folder does not start: {inside.error}", hint)
    if inside.made_by is None:
        return Verdict("warn", "a container cannot write into the project's folder", f"ls -ld {tree.root}")
    if inside.made_by != tree.owner:
        what = f"what a container makes belongs to {_pair(inside.made_by)}, not to {_pair(tree.owner)}"
        return Verdict(
            "warn", what, f"docker context use default; afterwards: sudo chown -R {_pair(tree.owner)} ."
        )
    return ok(f"what a container makes in the project belongs to {_pair(tree.owner)}")


def cache(facts: MachineFacts) -> Verdict | None:
    inside = facts.inside
    if inside is None or inside.cache_denied is None:
        return None
    if not inside.cache_denied:
        return ok("the build cache may be written by the project's owner")
    what = f"the project's owner may not write {inside.cache_denied} in the build cache {inside.cache}"
    return Verdict("fail", what, f"{FIX_HINT}, or: docker volume rm {inside.cache}", "cache")


def file_events(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None:
        return None
    hint = "devctl.yaml: watch: poll: always; or keep the project on a disk of the engine's machine"
    if tree.events_arrive is not None:
        if tree.events_arrive:
            return ok("the dev container was told of a file saved here")
        return Verdict("warn", "the dev container was not told of a file saved here: devctl polls", hint)
    if tree.eventless:
        return Verdict("warn", f"{tree.kind} passes no file events", hint)
    if facts.info is not None and facts.info.local:
        return ok(f"containers share this kernel and its file events ({tree.kind})")
    return None


def file_system(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None:
        return None
    if tree.eventless:
        hint = "move the project to a disk of the engine's machine (WSL: below /home, not /mnt/c)"
        return Verdict("warn", f"the project lies on {tree.kind}: every file costs a round trip", hint)
    if tree.case_insensitive:
        what = "the project's folder takes Go.mod for go.mod; Linux in the container and in CI does not"
        hint = "write imports and embedded paths as the files are named; go vet ./... inside: devctl test"
        return Verdict("warn", what, hint)
    return ok(f"the project lies on {tree.kind or 'a local disk'}, which tells upper from lower case")


def git(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None or tree.git_distrusts is None:
        return None
    if tree.git_distrusts:
        by_hand = f"git config --global --add safe.directory {shlex.quote(tree.root)}"
        what = "git refuses this folder (dubious ownership): it belongs to somebody else"
        return Verdict("warn", what, f"{CONSENT_HINT}, or: {by_hand}", "git")
    return ok("git trusts this folder")


def scripts(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None:
        return None
    if not tree.crlf_scripts:
        return ok("the scripts that images run have LF line endings")
    by_hand = f"sed -i 's/\\r$//' {' '.join(map(shlex.quote, tree.crlf_scripts))}"
    what = f"CRLF line endings in scripts that images run: {_few(tree.crlf_scripts)}"
    return Verdict(
        "fail",
        what,
        f"{CONSENT_HINT}, or: {by_hand}; `*.sh text eol=lf` in .gitattributes keeps it so",
        "scripts",
    )


def x_bits(facts: MachineFacts) -> Verdict | None:
    tree = facts.tree
    if tree is None:
        return None
    if not tree.locked_scripts:
        return ok("the scripts that images start may be executed")
    by_hand = f"chmod +x {' '.join(map(shlex.quote, tree.locked_scripts))}"
    what = f"images start these scripts, and they may not be executed: {_few(tree.locked_scripts)}"
    hint = f"{CONSENT_HINT}, or: {by_hand}; `git update-index --chmod=+x` keeps it so"
    return Verdict("warn", what, hint, "x-bits")


def externals(facts: MachineFacts) -> Verdict | None:
    if facts.externals is None:
        return None
    if not facts.externals:
        return ok("external networks and volumes of the compose file are there")
    what = f"the compose file wants to find these, and they are not there: {_few(facts.externals)}"
    kind, _, name = facts.externals[0].partition(" ")
    hint = f"{CONSENT_HINT} creates them, or: docker {kind} create {name}"
    return Verdict("fail", what, hint, "externals")


def modules(facts: MachineFacts) -> Verdict | None:
    if facts.gaps is None:
        return None
    if not facts.gaps:
        return ok("go.mod, go.sum and the imports agree")
    first = facts.gaps[0]
    by_hand = f"{f'cd {first.dir} && ' if first.dir != '.' else ''}{' '.join(first.command)}"
    return Verdict("warn", first.text, f"{CONSENT_HINT}, or: {by_hand}", "modules")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _pair(ids: tuple[int, int]) -> str:
    return f"{ids[0]}:{ids[1]}"


PROJECT_CHECKS: tuple[Check, ...] = (
    Check(
        "ports",
        "the host ports that the project publishes",
        "`up` cannot start a service whose port is held",
        ports,
    ),
    Check(
        "ownership",
        "who owns the project's files",
        "the dev container runs as the folder's owner and cannot change others' files",
        ownership,
    ),
    Check(
        "mount",
        "a file that a container made in the project",
        "a file of another user cannot be edited or removed by you",
        mount,
    ),
    Check(
        "cache",
        "the volume that keeps compiled packages",
        "Go compiles nothing without a cache that it may write",
        cache,
    ),
    Check("file-events", "whether a container hears of a save", "hot reload waits for it", file_events),
    Check(
        "file-system",
        "the file system that the project lies on",
        "a slow one makes every build slow, a case-blind one hides errors",
        file_system,
    ),
    Check(
        "git",
        "whether git works in the folder",
        "go build asks git for the version and fails with status 128",
        git,
    ),
    Check(
        "scripts",
        "line endings of scripts named in Dockerfiles and compose files",
        "the kernel looks for an interpreter `sh\\r` and finds none",
        scripts,
    ),
    Check(
        "x-bits",
        "whether scripts that images start may be executed",
        "the container ends with 126, permission denied",
        x_bits,
    ),
    Check(
        "externals",
        "networks and volumes that the compose file calls external",
        "compose creates none of them and starts nothing without them",
        externals,
    ),
    Check(
        "modules",
        "whether go.mod, go.sum, vendor/ and the imports agree",
        "Go builds nothing before they do, and dev and production build without changing them",
        modules,
    ),
)
