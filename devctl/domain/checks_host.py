"""Checks of the room that this machine has: disk, memory, inotify, and what devctl left lying about."""

from __future__ import annotations

from devctl.domain.check_facts import MachineFacts
from devctl.domain.verdicts import CONSENT_HINT, FIX_HINT, Check, Verdict, ok

GB, MB = 1_000_000_000, 1_000_000
DISK_NEEDED = 1 * GB
DISK_COMFORTABLE = 5 * GB
INODES_NEEDED = 20_000
INODES_COMFORTABLE = 100_000
"""A Go toolchain has 15 000 files; a module cache easily as many."""
MEMORY_COMFORTABLE = 2 * GB
MEMORY_NEEDED_FREE = 300_000_000
WATCHES_NEEDED = 8192
INSTANCES_NEEDED = 64
NAMED = 3
ROOM = "devctl clean; docker system df shows what takes the room"


def disk(facts: MachineFacts) -> Verdict | None:
    free = facts.disk_free_bytes
    if free is None:
        return None
    if free < DISK_NEEDED:
        return Verdict("fail", f"{free / MB:.0f} MB free where the engine keeps images", ROOM)
    if free < DISK_COMFORTABLE:
        return Verdict("warn", f"only {free / GB:.1f} GB free where the engine keeps images", ROOM)
    return ok(f"{free / GB:.0f} GB free where the engine keeps images")


def inodes(facts: MachineFacts) -> Verdict | None:
    free = facts.inodes_free
    if free is None or not facts.inodes_total:  # btrfs and others count none
        return None
    if free < INODES_NEEDED:
        return Verdict("fail", f"only {free} inodes free where the engine keeps images", ROOM)
    if free < INODES_COMFORTABLE:
        return Verdict("warn", f"only {free} inodes free where the engine keeps images", ROOM)
    return ok(f"{free} inodes free where the engine keeps images")


def memory(facts: MachineFacts) -> Verdict | None:
    total = facts.info.memory_bytes if facts.info is not None else None
    if total is None:
        return None
    if total < MEMORY_COMFORTABLE:
        hint = "give the engine's machine 2 GB or more; until then: GOFLAGS=-p=1 builds one package at a time"
        return Verdict("warn", f"the engine has {total / GB:.1f} GB of memory", hint)
    free = facts.memory_available_bytes
    if free is not None and free < MEMORY_NEEDED_FREE:
        hint = "docker stats --no-stream shows who has it; docker stop NAME"
        return Verdict("warn", f"only {free / GB:.1f} GB of memory are available", hint)
    said = f", {free / GB:.1f} available" if free is not None else ""
    return ok(f"{total / GB:.1f} GB of memory{said}")


def inotify(facts: MachineFacts) -> Verdict | None:
    watches, instances = facts.inotify_watches, facts.inotify_instances
    if watches is None or instances is None:
        return None
    if watches < WATCHES_NEEDED:
        hint = f"{CONSENT_HINT}, or: sudo sysctl fs.inotify.max_user_watches=524288"
        what = f"only {watches} inotify watches: a large tree is not seen whole"
        return Verdict("warn", what, hint, "inotify")
    if instances < INSTANCES_NEEDED:
        hint = f"{CONSENT_HINT}, or: sudo sysctl fs.inotify.max_user_instances=512"
        what = f"only {instances} inotify instances: a few watchers use them up"
        return Verdict("warn", what, hint, "inotify")
    return ok(f"{watches} inotify watches, {instances} instances")


def lock(facts: MachineFacts) -> Verdict | None:
    if facts.lock_holder is None:
        return None
    if facts.lock_holder:
        command, _, pid = facts.lock_holder.partition(" ")
        who = f"`devctl {command}` (pid {pid})" if pid else "another devctl"
        return Verdict("warn", f"{who} is at work on this project", f"wait for it, or: kill {pid or 'PID'}")
    return ok("no other devctl is at work on this project")


def leftovers(facts: MachineFacts) -> Verdict | None:
    if facts.leftovers is None:
        return None
    count = len(facts.leftovers)
    if not count:
        return ok("nothing is left over from projects that are gone")
    more = f" and {count - NAMED} more" if count > NAMED else ""
    what = f"left over from projects that are gone: {', '.join(facts.leftovers[:NAMED])}{more}"
    return Verdict("warn", what, f"{FIX_HINT}, or: devctl clean", "leftovers")


def abandoned(facts: MachineFacts) -> Verdict | None:
    if facts.abandoned is None:
        return None
    if not facts.abandoned:
        return ok("no container runs for a project that is gone")
    named = ", ".join(facts.abandoned)
    what = f"still running, though the project's folder is gone: {named}"
    return Verdict(
        "warn", what, f"{CONSENT_HINT}, or: docker rm --force {' '.join(facts.abandoned)}", "abandoned"
    )


HOST_CHECKS: tuple[Check, ...] = (
    Check("disk", "the disk below the engine's folder", "a build on a full disk fails half-way", disk),
    Check("inodes", "its inodes", "many small files use them up while bytes are left", inodes),
    Check("memory", "the engine's memory", "the kernel ends a compiler that wants more (exit 137)", memory),
    Check("inotify", "the kernel's limits for watchers", "a save that is not seen is not reloaded", inotify),
    Check("lock", "the project's lock", "two changes at a time would undo each other", lock),
    Check(
        "leftovers",
        "watchers, containers, networks and images of ours whose project folder is gone",
        "they take disk, ports and address ranges",
        leftovers,
    ),
    Check(
        "abandoned",
        "running containers of ours whose project folder is gone",
        "they hold ports and address ranges that a new clone wants",
        abandoned,
    ),
)
