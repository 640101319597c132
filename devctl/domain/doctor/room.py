"""Checks of this machine's resources: disk, memory, inotify, and what devctl left behind."""

from __future__ import annotations

from devctl.domain.doctor.check import Fix, check
from devctl.domain.doctor.facts import MachineFacts
from devctl.errors import Finding, fail, ok, warn

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
ROOM = "devctl clean; docker system df shows what takes up space"


@check("disk", "the disk that holds the engine's folder", why="a build on a full disk fails half-way")
def disk(facts: MachineFacts) -> Finding | None:
    free = facts.disk_free_bytes
    if free is None:
        return None
    if free < DISK_NEEDED:
        return fail(f"{free / MB:.0f} MB free where the engine keeps images", ROOM)
    if free < DISK_COMFORTABLE:
        return warn(f"only {free / GB:.1f} GB free where the engine keeps images", ROOM)
    return ok(f"{free / GB:.0f} GB free where the engine keeps images")


@check("inodes", "the inodes of that disk", why="many small files can use them up while space is left")
def inodes(facts: MachineFacts) -> Finding | None:
    free = facts.inodes_free
    if free is None or not facts.inodes_total:  # btrfs and others report none
        return None
    if free < INODES_NEEDED:
        return fail(f"only {free} inodes free where the engine keeps images", ROOM)
    if free < INODES_COMFORTABLE:
        return warn(f"only {free} inodes free where the engine keeps images", ROOM)
    return ok(f"{free} inodes free where the engine keeps images")


@check("memory", "the engine's memory", why="the kernel kills a compiler that needs more (exit code 137)")
def memory(facts: MachineFacts) -> Finding | None:
    total = facts.info.memory_bytes if facts.info is not None else None
    if total is None:
        return None
    if total < MEMORY_COMFORTABLE:
        one = "devctl.yaml: `services: {NAME: {build: {env: {GOFLAGS: '-p=1'}}}}`"
        hint = f"give the engine's machine 2 GB or more; until then, build one package at a time: {one}"
        return warn(f"the engine has {total / GB:.1f} GB of memory", hint)
    free = facts.memory_available_bytes
    if free is not None and free < MEMORY_NEEDED_FREE:
        hint = "docker stats --no-stream shows what uses it; docker stop NAME"
        return warn(f"only {free / GB:.1f} GB of memory are available", hint)
    said = f", {free / GB:.1f} available" if free is not None else ""
    return ok(f"{total / GB:.1f} GB of memory{said}")


WATCH_LIMITS = Fix(
    "inotify",
    lambda by: by.installer.raise_watch_limits(),
    asks="Raise the kernel's limits for file watchers, now and after a restart?",
)


@check("inotify", "the kernel's limits for file watchers", why="a save that is not noticed is not reloaded")
def inotify(facts: MachineFacts) -> Finding | None:
    watches, instances = facts.inotify_watches, facts.inotify_instances
    if watches is None or instances is None:
        return None
    if watches < WATCHES_NEEDED:
        what = f"only {watches} inotify watches: not enough for a large tree"
        return WATCH_LIMITS.offer("warn", what, "sudo sysctl fs.inotify.max_user_watches=524288")
    if instances < INSTANCES_NEEDED:
        what = f"only {instances} inotify instances, which a few watchers use up"
        return WATCH_LIMITS.offer("warn", what, "sudo sysctl fs.inotify.max_user_instances=1024")
    return ok(f"{watches} inotify watches, {instances} instances")


@check(
    "lock",
    "the project's lock",
    why="two commands that change the project at once would undo each other's work",
)
def lock(facts: MachineFacts) -> Finding | None:
    if facts.lock_holder is None:
        return None
    if facts.lock_holder:
        command, _, pid = facts.lock_holder.partition(" ")
        who = f"`devctl {command}` (pid {pid})" if pid else "another devctl"
        return warn(f"{who} is working on this project", f"wait for it, or: kill {pid or 'PID'}")
    return ok("no other devctl is working on this project")


LEFTOVERS = Fix("leftovers")


@check(
    "leftovers",
    "devctl's watchers, containers, networks and images whose project folder is gone",
    why="they take up disk space, ports and address ranges",
)
def leftovers(facts: MachineFacts) -> Finding | None:
    if facts.leftovers is None:
        return None
    count = len(facts.leftovers)
    if not count:
        return ok("nothing is left over from deleted projects")
    more = f" and {count - NAMED} more" if count > NAMED else ""
    what = f"left over from deleted projects: {', '.join(facts.leftovers[:NAMED])}{more}"
    return LEFTOVERS.offer("warn", what)


ABANDONED = Fix(
    "abandoned", asks="Stop and remove the containers of projects whose folder is gone (their volumes stay)?"
)


@check(
    "abandoned",
    "devctl's running containers whose project folder is gone",
    why="they take up ports and address ranges that a new clone needs",
)
def abandoned(facts: MachineFacts) -> Finding | None:
    if facts.abandoned is None:
        return None
    if not facts.abandoned:
        return ok("no container of a deleted project is running")
    named = ", ".join(facts.abandoned)
    what = f"still running, although the project's folder is gone: {named}"
    return ABANDONED.offer("warn", what, f"docker rm --force {' '.join(facts.abandoned)}")
